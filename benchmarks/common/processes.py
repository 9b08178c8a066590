"""Starts programs, and says what they used. Linux only: /proc."""

import os
import re
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def run(*command: str, **variables: str) -> str:
    """Run a command quietly; return what it said. Raises RuntimeError with that if it fails."""
    result = subprocess.run(
        command, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stdout}")
    return result.stdout


def seconds(*command: str, **variables: str) -> float:
    """Run a command as `run` does; return the seconds that it takes."""
    started = time.perf_counter()
    run(*command, **variables)
    return time.perf_counter() - started


def start(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> subprocess.Popen:
    """Start a command in a folder; what it says goes to log.txt there.

    Its session is its own, so that all of it can be killed at once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("w") as log:
        return subprocess.Popen(
            command, cwd=folder, env=os.environ | variables, stdout=log, stderr=log, start_new_session=True
        )


def tree(pid: int) -> list[int]:
    """Return a process and all that descends from it."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(one for file in children for child in file.read_text().split() for one in tree(int(child)))]


def pss(pid: int) -> int:
    """Return the proportional set size of a process in KiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE).group(1))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


def children_seconds() -> float:
    """Return the CPU time of our children that have ended, wrk's among them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def machine_seconds() -> tuple[float, float]:
    """Return the CPU time of the whole machine so far: busy, and all."""
    ticks = list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]))
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / TICKS, sum(ticks) / TICKS
