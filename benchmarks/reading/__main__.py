"""Compares how files and bodies are read: the generated projects, and the libraries that they read with, bare.

Every figure is a median over interleaved rounds, each in a fresh process; what counts are the ratios. Needs R with
data.table. Usage, in benchmarks/: python -m reading [--rounds N]
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from common import program, results
from common.environments import BUILD, pins
from common.processes import run
from common.projects import Project
from common.results import OURS, bar

HERE = Path(__file__).resolve().parent
TITLE = "Reading, beside bare libraries"
PYTHON = Project("reading-python", "scikit-learn")
R = Project("reading-r", "plumber", language="r")
DATA = BUILD / "reading"
MEGABYTE = 1024 * 1024
TIMES = 5  # in one process

POLARS, NUMPY, ORJSON, FREAD = "polars", "numpy", "orjson and numpy", "data.table"
NUMBERS, TEXTS = "numbers", "texts"  # 50 MB in 10 columns, and 20 MB in 5, of which some are quoted
BODIES = ("csv body", "json body")  # 6 MB, one column
LARGE = "large numbers"  # 1 GB for Python, 250 MB for R


def data() -> dict[str, Path]:
    """Write the files, the same each time: task -> file, each in a folder of its own, which is a channel."""
    numbers = random.Random(0)
    row = [",".join(repr(numbers.gauss()) for _ in range(10)) + "\n" for _ in range(10_000)]
    words = ["Oslo", "New York", '"a, b"', "café", '"x ""y"""']
    texts = [
        f"{numbers.gauss()},{words[n % 5]},{numbers.gauss() if n % 7 else ''},{words[n * 3 % 5]},a text of no sense\n"
        for n in range(260_000)
    ]
    values = [f"{numbers.random():.6f}" for _ in range(6 * MEGABYTE // 9)]
    files = {
        NUMBERS: row * 26,
        TEXTS: ["a,b,c,d,e\n", *texts],
        "csv body": [f"{value}\n" for value in values],
        "json body": ["[[", "],[".join(values), "]]"],
        f"{LARGE} 1000": row * 520,
        f"{LARGE} 250": row * 128,
    }
    found = {}
    for task, lines in files.items():
        found[task] = DATA / task.replace(" ", "-") / "data.csv"
        found[task].parent.mkdir(parents=True, exist_ok=True)
        with found[task].open("w") as file:
            file.writelines(lines)
    return found


def python_side(library: str, task: str, file: Path, times: int) -> list[str]:
    """Return the command of a library in Python."""
    script = str(HERE / "sides/read.py")
    return [PYTHON.interpreter(), script, str(PYTHON.folder), library, task, str(file), str(times)]


def r_side(library: str, task: str, file: Path, times: int) -> list[str]:
    """Return the command of a library in R."""
    return ["Rscript", str(HERE / "sides/read.R"), str(R.folder), library, task, str(file), str(times)]


def compare(rounds: int, sides: dict[str, list[str]]) -> dict:
    """Run the sides in turn, round by round: name -> command that prints seconds and megabytes."""
    said: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, command in sides.items():
            seconds, megabytes = map(float, run(*command, OMP_NUM_THREADS="2").split())
            said[name].append((seconds, megabytes))
    rows = {
        name: {"s": median(seconds for seconds, _ in of), "peak MB": median(megabytes for _, megabytes in of)}
        for name, of in said.items()
    }
    return results.table(rounds, rows, results.ratios(rows))


def tables(rounds: int, files: dict[str, Path]) -> Iterator[tuple[str, dict]]:
    """Measure everything: heading, table."""

    def table(side: Callable[..., list[str]], task: str, *libraries: str, name: str = "", times: int = TIMES) -> dict:
        return compare(rounds, {one: side(one, task, files[name or task], times) for one in (OURS, *libraries)})

    yield f"Python: {NUMBERS}", table(python_side, NUMBERS, POLARS, NUMPY)
    yield f"Python: {TEXTS}", table(python_side, TEXTS, POLARS)
    yield f"Python: {LARGE}", table(python_side, NUMBERS, POLARS, name=f"{LARGE} 1000", times=1)
    yield "Python: json body", table(python_side, "json body", ORJSON)
    yield f"R: {NUMBERS}", table(r_side, NUMBERS, FREAD)
    yield f"R: {TEXTS}", table(r_side, TEXTS, FREAD)
    yield f"R: {LARGE}", table(r_side, NUMBERS, FREAD, name=f"{LARGE} 250", times=1)
    for task in BODIES:
        yield (
            f"R beside Python: {task}",
            compare(
                rounds,
                {OURS: r_side(OURS, task, files[task], TIMES), "Python": python_side(OURS, task, files[task], TIMES)},
            ),
        )


def bars(tables: dict) -> list[dict]:
    """Return the project's own limits."""

    def one(heading: str, peer: str, column: str, at_most: float) -> dict:
        ratio = tables[heading]["ratios"][peer][column]
        return bar(f"{heading}, {column} over {peer}'s", ratio, "x", at_most=at_most)

    return [
        one(f"Python: {NUMBERS}", POLARS, "s", 1.2),
        one(f"Python: {TEXTS}", POLARS, "s", 2.5),
        one(f"Python: {LARGE}", POLARS, "peak MB", 1.5),
        one("Python: json body", ORJSON, "s", 2),
        one(f"R: {NUMBERS}", FREAD, "s", 1.5),
        one(f"R: {TEXTS}", FREAD, "s", 2.5),
        one(f"R: {LARGE}", FREAD, "peak MB", 1.5),
        one("R beside Python: csv body", "Python", "s", 4),
    ]


def versions() -> dict[str, str]:
    """Return the versions of what is compared."""
    pinned = pins(PYTHON.folder / "runtime/requirements.txt", PYTHON.folder / "requirements.txt")
    said = run("Rscript", "-e", 'cat(paste(getRversion()), paste(packageVersion("data.table")))')
    return {name: pinned[name] for name in ("polars", "orjson", "numpy")} | dict(
        zip(("R", FREAD), said.split(), strict=True)
    )


def main() -> None:
    """Measure every task and report."""
    arguments = program.parser(__doc__, rounds=5).parse_args()
    program.prepare("Rscript")

    for project in (PYTHON, R):
        project.generate()
    files = data()
    found = results.new(vars(arguments), versions())
    for heading, table in tables(arguments.rounds, files):
        print(f"measured {heading}", flush=True)
        found["tables"][heading] = table
    found["bars"] = bars(found["tables"])
    results.save(HERE, TITLE, "files and bodies", found)


if __name__ == "__main__":
    main()
