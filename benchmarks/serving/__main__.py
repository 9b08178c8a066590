"""Compares serving, side by side in one run: the generated project, inference-server, and the classic stack.

Every figure is a median over interleaved rounds on this machine; what counts are the ratios. Needs wrk and nginx.
Prints tables and writes results.json and results.md. Usage: python benchmarks/serving.py [--rounds N] [--seconds N]
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from statistics import median

import sides
from compare import speed, starts
from measure import Server, Side, facts, nginx_version, ping_milliseconds
from sides import IRIS, SHIPPED, SLOW

HERE = Path(__file__).resolve().parent
COLUMNS = ("server", "c=1: req/s", "p50 ms", "p99 ms", "c=8: req/s", "p50 ms", "p99 ms", "x inference-server")
COLUMNS += ("CPU µs/request", "memory MB")
SLOW_IN_FLIGHT = 64
BIG_BODY = 6 * 1024 * 1024
PARSE = """
import io, sys, time
import pandas
body = sys.stdin.buffer.read()
for _ in range(5):
    started = time.perf_counter()
    pandas.read_csv(io.BytesIO(body), header=None)
    print(time.perf_counter() - started)
"""


def big_answers(contenders: list[Side]) -> dict[str, float | str]:
    """Measure the seconds to answer a CSV of 6 MB, and those that pandas needs to parse it."""
    rows = (HERE / "ours/iris.csv").read_text().splitlines()
    text = "\n".join(row.partition(",")[2] for row in rows) + "\n"
    body = (text * (BIG_BODY // len(text))).encode()
    parser = sides.python("classic", sides.PEERS / "classic-requirements.txt")
    parsed = subprocess.run([parser, "-c", PARSE], input=body, capture_output=True, check=True).stdout
    result: dict[str, float | str] = {"pandas.read_csv alone": median(map(float, parsed.split()))}
    for side in contenders:
        with Server(side) as server:
            answers = [server.invoke(body) for _ in range(5)]
        refused = {status for status, *_ in answers} - {200}
        result[side.name] = f"refused: {refused}" if refused else median(seconds for *_, seconds in answers)
    return result


def busy_pings(seconds: int) -> dict[str, float]:
    """Measure /ping in milliseconds while 64 slow invocations are in flight all the time (I9)."""
    with Server(sides.ours(SLOW)) as server:
        load = server.start_load(SLOW.row, SLOW_IN_FLIGHT, seconds + 2)
        took = ping_milliseconds(server.side.port, seconds, pause=0.02)
        load.terminate()
        load.communicate()
    return {"pings": len(took), "p50": median(took), "p99": took[int(len(took) * 0.99)], "max": took[-1]}


def machine() -> dict[str, object]:
    """What the figures depend on."""
    project = sides.BUILD / "projects/iris/benchmark"
    files = [sides.PEERS / f"{name}-requirements.txt" for name in ("jpmorgan", "classic")]
    pins = sides.pins(*files, project / "runtime/requirements.txt", project / "requirements.txt")
    shown = ("granian", "flask", "gunicorn", "inference-server", "pandas", "numpy", "scikit-learn")
    return facts() | {"nginx": nginx_version()} | {name: pins[name] for name in shown}


def budgets(result: dict) -> list[tuple[str, str, bool]]:
    """The project's own limits: what is wanted, what was measured, whether it is met."""
    tree = result["speed"]["iris"]
    ours, fast, classic = tree["sm-algo"], tree["inference-server"], tree["nginx + gunicorn + pandas"]
    start, big, ping = result["start_seconds"], result["big_csv_seconds"], result["busy_ping_ms"]
    over_fast = ours["c8"]["rate"] / fast["c8"]["rate"]
    over_classic = ours["c8"]["rate"] / classic["c8"]["rate"]
    tail = ours["c8"]["p99"] / fast["c8"]["p99"]
    begin = start["sm-algo"] / start["nginx + gunicorn + pandas"]
    memory = ours["memory_mb"] / classic["memory_mb"]
    parse = big["sm-algo"] / big["pandas.read_csv alone"]
    return [
        ("requests/s at 8 connections: at least 1.5 x inference-server", f"{over_fast:.2f} x", over_fast >= 1.5),
        ("requests/s at 8 connections: at least 5 x the classic stack", f"{over_classic:.2f} x", over_classic >= 5),
        ("p99 at 8 connections: not above inference-server's", f"{tail:.2f} x", tail <= 1),
        ("start: not above the classic stack's", f"{begin:.2f} x", begin <= 1),
        ("memory: not above the classic stack's", f"{memory:.2f} x", memory <= 1),
        (
            f"/ping p99 with {SLOW_IN_FLIGHT} slow invocations in flight: below 100 ms",
            f"{ping['p99']:.1f} ms",
            ping["p99"] < 100,
        ),
        ("6 MB CSV answered: not above pandas' time to parse it", f"{parse:.2f} x", parse <= 1),
    ]


def report(result: dict) -> str:
    """The result as Markdown tables."""
    others = max(one[c]["others"] for sides in result["speed"].values() for one in sides.values() for c in ("c1", "c8"))
    facts = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    lines = ["# Serving, side by side", "", f"Medians of {result['rounds']} rounds on: {facts}.", ""]
    lines += [f"Other processes took at most {others:.0%} of the CPU time in the median runs of wrk.", ""]
    for workload, by_side in result["speed"].items():
        base = by_side["inference-server"]["c8"]["rate"]
        lines += [
            f"## One CSV row per request, c keep-alive connections: {workload}",
            "",
            f"| {' | '.join(COLUMNS)} |",
            f"|---|{'--:|' * (len(COLUMNS) - 1)}",
        ]
        for name, one in by_side.items():
            cells = [f"{one[c]['rate']:.0f} | {one[c]['p50']:.2f} | {one[c]['p99']:.2f}" for c in ("c1", "c8")]
            ratio = f"{one['c8']['rate'] / base:.2f}"
            lines.append(
                f"| {name} | {' | '.join(cells)} | {ratio} | {one['c8']['cpu']:.0f} | {one['memory_mb']:.0f} |"
            )
        lines.append("")
    lines += ["## Start to the first 200 on /ping, model loaded", "", "| server | s |", "|---|--:|"]
    lines += [f"| {name} | {seconds:.2f} |" for name, seconds in result["start_seconds"].items()]
    lines += ["", "## A CSV of 6 MB", "", "| | s |", "|---|--:|"]
    for name, seconds in result["big_csv_seconds"].items():
        lines.append(f"| {name} | {seconds if isinstance(seconds, str) else f'{seconds:.3f}'} |")
    ping = result["busy_ping_ms"]
    lines += [
        "",
        f"## /ping while {SLOW_IN_FLIGHT} slow invocations are in flight (sm-algo)",
        "",
        f"{ping['pings']} pings, each on a new connection: p50 {ping['p50']:.1f} ms, p99 {ping['p99']:.1f} ms, "
        f"max {ping['max']:.1f} ms.",
        "",
        "## Budgets",
        "",
        "| wanted | measured | |",
        "|---|--:|---|",
    ]
    lines += [f"| {wanted} | {got} | {'met' if met else 'MISSED'} |" for wanted, got, met in budgets(result)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure everything and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    parser.add_argument("--seconds", type=int, default=4, help="length of each run of wrk (default: 4)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and with it the servers
    if missing := [tool for tool in ("wrk", "nginx") if not shutil.which(tool)]:
        sys.exit(f"{' and '.join(missing)} not found: apt-get install {' '.join(missing)}")

    contenders = {workload.name: [sides.ours(workload), *sides.peers(workload)] for workload in (IRIS, SHIPPED)}
    result: dict = {"machine": machine(), "rounds": arguments.rounds, "speed": {}}
    for workload in (IRIS, SHIPPED):
        print(f"measuring {workload.name}", flush=True)
        sides_of_it = contenders[workload.name]
        result["speed"][workload.name] = speed(sides_of_it, workload.row, arguments.rounds, arguments.seconds)
    print("measuring starts, a large body, and pings under load", flush=True)
    result["start_seconds"] = starts(contenders["iris"], arguments.rounds)
    result["big_csv_seconds"] = big_answers(contenders["iris"])
    result["busy_ping_ms"] = busy_pings(10)

    (HERE / "results.json").write_text(json.dumps(result, indent=2) + "\n")
    (HERE / "results.md").write_text(report(result))
    print(report(result))


if __name__ == "__main__":
    main()
