"""Compares the time to generate a project with the time that cookiecutter itself needs to start.

Every figure is a median over interleaved rounds. Usage, in benchmarks/: python -m generation [--rounds N]
"""

import json
import shutil
from pathlib import Path
from statistics import median

from common import program, projects, results
from common.environments import BUILD, TEMPLATE_REQUIREMENTS, pins
from common.processes import seconds

HERE = Path(__file__).resolve().parent
TITLE = "Generation, over the start of cookiecutter itself"
FLOOR = "cookiecutter --version"
TABLE = "time of a command"
BAR_SECONDS = 0.15


def measure(rounds: int) -> dict:
    """Generate a project of every framework, round by round."""
    output = BUILD / "generated"
    frameworks = json.loads((projects.TEMPLATE / "cookiecutter.json").read_text())["framework"]
    commands = {FLOOR: projects.cookiecutter("--version")} | {
        framework: projects.generation(output, framework) for framework in frameworks
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            shutil.rmtree(output, ignore_errors=True)
            took[name].append(seconds(*command, **projects.HOME))
    return results.table(rounds, {name: {"s": median(values)} for name, values in took.items()})


def bars(tables: dict) -> list[dict]:
    """Return the project's own limits."""
    rows = tables[TABLE]["rows"]
    floor = rows[FLOOR]["s"]
    return [
        results.bar(f"{name}, over {FLOOR}", row["s"] - floor, "s", at_most=BAR_SECONDS)
        for name, row in rows.items()
        if name != FLOOR
    ]


def main() -> None:
    """Measure every framework and report."""
    arguments = program.parser(__doc__, rounds=15).parse_args()

    found = results.new(vars(arguments), pins(TEMPLATE_REQUIREMENTS))
    found["tables"][TABLE] = measure(arguments.rounds)
    found["bars"] = bars(found["tables"])
    results.save(HERE, TITLE, "cookiecutter", found)


if __name__ == "__main__":
    main()
