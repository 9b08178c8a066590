"""Compares XGBoost's project: serving with the classic stack, boosting with xgboost.train on the same rows.

Every figure is a median over interleaved rounds on this machine; what counts are the ratios. Needs wrk and nginx.
Usage, in benchmarks/: python -m boosting [--rounds N] [--seconds N]
"""

from math import isclose
from pathlib import Path
from statistics import median

from common import compare, program, results, sides
from common.environments import BUILD, pins, python
from common.processes import run
from common.projects import Project
from common.results import OURS, bar
from common.sides import CLASSIC, CLASSIC_REQUIREMENTS

HERE = Path(__file__).resolve().parent
TITLE = "XGBoost: serving and boosting, side by side"
PROJECT = Project("xgboost", "xgboost")
ROW = "56.9,1560.93,0.0,0.0,2.0,8.0\n"
CONNECTIONS = 8
DIGITS = 5  # float32
ONE_THREAD = f"{CLASSIC}, nthread=1"

BARE = "xgboost.train"
ROWS, COLUMNS, BOOSTED = 1_000_000, 10, 50
BOOSTING_ROUNDS = 8
BOOSTING = f"{BOOSTED} rounds on {ROWS} rows of {COLUMNS} columns"
EACH = f"{BOOSTING}: {OURS} / {BARE} in each round, in rising order"
# One column after the other decides: a million rows that can be learned.
MAKE_ROWS = """
import sys
import numpy, polars
rows, columns = int(sys.argv[2]), int(sys.argv[3])
generator = numpy.random.default_rng(0)
features = generator.normal(size=(rows, columns)).astype(numpy.float32)
labels = features[:, 0] * features[:, 1] + features[:, 2:].sum(axis=1) + generator.normal(size=rows) > 0
table = {"label": labels.astype(int)} | {str(n): features[:, n] for n in range(columns)}
polars.DataFrame(table).write_csv(sys.argv[1], include_header=False)
"""


def contenders() -> list[sides.Side]:
    """Return all sides that serve, with the model that our side trains."""
    PROJECT.train()
    packages = (PROJECT.folder / "requirements.txt", *PROJECT.itself())
    interpreter = python("classic-xgboost", CLASSIC_REQUIREMENTS, *packages, constraints=PROJECT.constraints())
    peers = {CLASSIC: "xgboost_model", ONE_THREAD: "xgboost_one_thread"}
    classic = [sides.classic(PROJECT, interpreter, HERE / "peers", module, name) for name, module in peers.items()]
    return [sides.ours(PROJECT), *classic]


def rows() -> Path:
    """Write the rows to boost on, the same each time: a file in a folder of its own, which is a channel."""
    file = BUILD / "boosting/rows/data.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    run(PROJECT.interpreter(), "-c", MAKE_ROWS, str(file), str(ROWS), str(COLUMNS))
    return file


def boosting(rounds: int) -> dict[str, dict]:
    """Boost in turn, each time in a fresh process. Raises RuntimeError if the sides learn differently.

    What counts is the median of the ratios within the rounds; reading is no part of it.
    """
    file, script = rows(), str(HERE / "sides/boost.py")
    took: dict[str, list[float]] = {BARE: [], OURS: []}
    reading = []
    for number in range(rounds):
        scores = {}
        for library in sorted(took, reverse=bool(number % 2)):
            said = run(PROJECT.interpreter(), script, str(PROJECT.folder), library, str(file), str(BOOSTED))
            read, seconds, scores[library] = map(float, said.splitlines()[-1].split())
            took[library].append(seconds)
            reading.append(read)
        if not isclose(*scores.values(), rel_tol=1e-4):
            raise RuntimeError(f"the sides learn differently: the last loss is {scores}")
    ratios = sorted(ours / bare for ours, bare in zip(took[OURS], took[BARE], strict=True))
    seconds = {name: {"s": median(of)} for name, of in took.items()}
    return {
        BOOSTING: results.table(rounds, seconds, {BARE: {"s": median(ratios)}}),
        EACH: results.table(None, {str(number): {"s": ratio} for number, ratio in enumerate(ratios, start=1)}),
        "reading these rows, which both sides do alike": results.table(2 * rounds, {OURS: {"s": median(reading)}}),
    }


def versions() -> dict[str, str]:
    """Return the versions of what is compared."""
    pinned = pins(CLASSIC_REQUIREMENTS, PROJECT.folder / "requirements.txt", *PROJECT.itself())
    shown = ("xgboost-cpu", "numpy", "flask", "gunicorn", "pandas")
    return {"nginx": sides.nginx_version()} | {name: pinned[name] for name in shown if name in pinned}


def bars(tables: dict) -> list[dict]:
    """Return the project's own limits."""
    load = tables[compare.load_title(CONNECTIONS)]["ratios"]
    return [
        bar("requests/s over the classic stack's with a DMatrix", load[CLASSIC]["requests/s"], "x", at_least=3),
        bar("the same, with one thread in each of its workers", load[ONE_THREAD]["requests/s"], "x", at_least=3),
        bar(f"time of {BOOSTING} over {BARE}'s", tables[BOOSTING]["ratios"][BARE]["s"], "x", at_most=1.03),
    ]


def main() -> None:
    """Measure both and report."""
    parser = program.serving_parser(__doc__)
    parser.add_argument(
        "--boosting-rounds", type=int, default=BOOSTING_ROUNDS, help=f"of boosting (default: {BOOSTING_ROUNDS})"
    )
    arguments = parser.parse_args()
    program.prepare("wrk", "nginx")

    PROJECT.generate()
    of = contenders()
    found = results.new(vars(arguments), versions())
    found["tables"] = compare.serving(of, ROW, arguments.rounds, arguments.seconds, (CONNECTIONS,), digits=DIGITS)
    print("measuring boosting", flush=True)
    found["tables"] |= boosting(arguments.boosting_rounds)
    found["bars"] = bars(found["tables"])
    results.save(HERE, TITLE, "xgboost", found)


if __name__ == "__main__":
    main()
