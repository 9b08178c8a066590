"""Compares serving in R, side by side in one run: the generated project, and plumber alone as most people run it.

Every figure is a median over interleaved rounds on this machine; what counts are the ratios. Needs R with plumber,
nginx and wrk. Prints a table and the bars, and writes results.md; the exit status is 1 if a bar is missed.
Usage: python benchmarks/r/serving.py [--rounds N] [--seconds N]
"""

import argparse
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from measure import Load, Server, Side  # noqa: E402

LAYERS = HERE.parent.parent / "{{cookiecutter.project_slug}}/_layers"
BUILD = HERE / "build"
CONNECTIONS = (1, 8)
ROW = "1\n"
OURS, BARE = "sm-algo", "plumber alone"


def make_project() -> Path:
    """Lay the project out as the template does, and return its folder."""
    project = BUILD / "project"
    shutil.rmtree(project, ignore_errors=True)
    for layer in ("_shared", "r/_shared", "r/plumber"):
        shutil.copytree(LAYERS / layer, project, dirs_exist_ok=True)
    return project


def train(project: Path) -> Path:
    """Train on the sample by the project's own `train`; return the folder that stands for /opt/ml."""
    base = BUILD / "ml"
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(project / "sample/train", base / "input/data/train")
    command = ["sh", str(project / "runtime/train")]
    subprocess.run(command, env=os.environ | {"SAGEMAKER_BASE_DIR": str(base)}, check=True, stdout=subprocess.DEVNULL)
    return base


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def contenders() -> list[Side]:
    """Both sides, with the same model."""
    project = make_project()
    base = train(project)
    port, other = free_port(), free_port()
    variables = {"SAGEMAKER_BASE_DIR": str(base), "SAGEMAKER_BIND_TO_PORT": str(port)}
    bare = ("Rscript", str(HERE / "bare.R"), str(base / "model/model.rds"), str(other))
    return [
        Side(OURS, ("sh", str(project / "runtime/serve")), port, variables, BUILD / "run/ours"),
        Side(BARE, bare, other, {}, BUILD / "run/bare"),
    ]


def speed(sides: list[Side], rounds: int, seconds: int) -> dict:
    """Measure load and memory: name -> {1: Load, 8: Load, "memory": MB}."""
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(side)) for side in sides]
        answers = [server.invoke(ROW.encode())[1] for server in servers]
        if len({round(float(answer), 6) for answer in answers}) != 1:
            raise RuntimeError(f"the sides do not serve the same model: {answers}")
        runs = {(side.name, count): [] for side in sides for count in CONNECTIONS}
        for number in range(rounds + 1):  # the first one warms up
            for count in CONNECTIONS:
                for server in servers:
                    load = server.load(ROW, count, seconds if number else 1)
                    if number:
                        runs[server.side.name, count].append(load)
        memory = {server.side.name: server.memory() for server in servers}
    return {
        side.name: {count: middle(runs[side.name, count]) for count in CONNECTIONS} | {"memory": memory[side.name]}
        for side in sides
    }


def middle(loads: list[Load]) -> Load:
    """The medians of what several runs of wrk saw."""
    return Load(**{field.name: median(getattr(load, field.name) for load in loads) for field in fields(Load)})


def starts(sides: list[Side], rounds: int) -> dict[str, float]:
    """Measure the seconds to the first 200 on /ping, and those that R itself takes to start and end."""
    seconds: dict[str, list[float]] = {side.name: [] for side in sides} | {"R": []}
    for _ in range(max(rounds, 5)):
        for side in sides:
            with Server(side) as server:
                seconds[side.name].append(server.start_seconds)
        started = time.perf_counter()
        subprocess.run(["Rscript", "-e", "invisible()"], check=True)
        seconds["R"].append(time.perf_counter() - started)
    return {name: median(values) for name, values in seconds.items()}


def table(speeds: dict, start: dict[str, float]) -> str:
    """The figures as a Markdown table."""
    columns = ["", *(f"{count} connection{'s'[: count > 1]}: req/s | p50 ms | p99 ms" for count in CONNECTIONS)]
    lines = [" | ".join([*columns, "first /ping s", "memory MB"])]
    lines.append(" | ".join(["---"] * (len(lines[0].split(" | ")))))
    for name, of in speeds.items():
        loads = [f"{of[c].rate:.0f} | {of[c].p50:.2f} | {of[c].p99:.2f}" for c in CONNECTIONS]
        lines.append(" | ".join([name, *loads, f"{start[name]:.2f}", f"{of['memory']:.0f}"]))
    return "\n".join(f"| {line} |" for line in lines)


def bars(speeds: dict, start: dict[str, float]) -> dict[str, bool]:
    """What the project promises, with whether this run keeps it."""
    ours, bare = speeds[OURS], speeds[BARE]
    one, eight = (ours[count].rate / bare[count].rate for count in CONNECTIONS)
    over = start[OURS] - start["R"]
    return {
        f"{one:.1f} times the requests/s at 1 connection (at least 10)": one >= 10,
        f"{eight:.1f} times the requests/s at 8 connections (at least 3)": eight >= 3,
        f"p99 {ours[1].p99:.2f} ms at 1 connection, below its p50 of {bare[1].p50:.2f} ms": ours[1].p99 < bare[1].p50,
        f"first /ping {over:.2f} s over R's own start of {start['R']:.2f} s (at most 1.5)": over <= 1.5,
    }


def main() -> int:
    """Measure, print, write; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    options = parser.parse_args()
    sides = contenders()
    start = starts(sides, options.rounds)
    speeds = speed(sides, options.rounds, options.seconds)
    kept = bars(speeds, start)
    cpus = len(os.sched_getaffinity(0))
    text = "\n".join(
        [
            f"# Serving in R\n\n{cpus} CPUs, {platform.machine()}, medians of {options.rounds} interleaved rounds.\n",
            table(speeds, start),
            "",
            *(f"- {'kept' if ok else 'MISSED'}: {bar}" for bar, ok in kept.items()),
            "",
        ]
    )
    (HERE / "results.md").write_text(text)
    print(text)
    return 0 if all(kept.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
