"""Compares serving in R: the generated project, and plumber alone as most people run it.

Every figure is a median over interleaved rounds on this machine; what counts are the ratios. Needs wrk, nginx and R
with plumber. Usage, in benchmarks/: python -m r_serving [--rounds N] [--seconds N]
"""

from pathlib import Path
from statistics import median

from common import compare, program, results, sides
from common.compare import load_title
from common.environments import BUILD
from common.measure import Side
from common.processes import run, seconds
from common.projects import Project
from common.results import OURS, bar

HERE = Path(__file__).resolve().parent
TITLE = "Serving R, side by side"
PROJECT = Project("plumber", "plumber", language="r")
ROW = "1\n"
CONNECTIONS = (1, 8)
DIGITS = 6  # R writes up to 15 significant ones
BARE = "plumber alone"
START_OF_R = "start and end of R itself"


def contenders() -> list[Side]:
    """Return both sides, with the model that our side trains."""
    PROJECT.generate()
    PROJECT.train()
    (port,) = sides.free_ports(1)
    bare = ("Rscript", str(HERE / "peers/bare.R"), str(PROJECT.base / "model/model.rds"), str(port))
    return [sides.ours(PROJECT), Side(BARE, bare, port, {}, BUILD / "run/plumber/bare")]


def start_of_r(rounds: int) -> dict:
    """Measure the seconds that R itself takes to start and end."""
    return results.table(rounds, {"Rscript": {"s": median(seconds("Rscript", "-e", "1") for _ in range(rounds))}})


def versions() -> dict[str, str]:
    """Return the versions of what is compared."""
    said = run("Rscript", "-e", 'cat(paste(getRversion()), paste(packageVersion("plumber")))')
    return {"nginx": sides.nginx_version()} | dict(zip(("R", "plumber"), said.split(), strict=True))


def bars(tables: dict) -> list[dict]:
    """Return the project's own limits."""
    one, eight = (tables[load_title(count)] for count in CONNECTIONS)
    tail = one["rows"][OURS]["p99 ms"] / one["rows"][BARE]["p50 ms"]
    over = tables[compare.START]["rows"][OURS]["first /ping s"] - tables[START_OF_R]["rows"]["Rscript"]["s"]
    return [
        bar("requests/s at 1 connection over plumber's", one["ratios"][BARE]["requests/s"], "x", at_least=10),
        bar("requests/s at 8 connections over plumber's", eight["ratios"][BARE]["requests/s"], "x", at_least=3),
        bar("p99 at 1 connection over plumber's p50", tail, "x", at_most=1),
        bar("start to the first 200 on /ping, less R's own start", over, "s", at_most=1.5),
    ]


def main() -> None:
    """Measure everything and report."""
    arguments = program.serving_parser(__doc__).parse_args()
    program.prepare("wrk", "nginx", "Rscript")

    found = results.new(vars(arguments), versions())
    of = contenders()
    found["tables"] = compare.serving(of, ROW, arguments.rounds, arguments.seconds, CONNECTIONS, DIGITS)
    found["tables"][START_OF_R] = start_of_r(arguments.rounds)
    found["bars"] = bars(found["tables"])
    results.save(HERE, TITLE, "plumber", found)


if __name__ == "__main__":
    main()
