"""What the programs of the suites have in common: options, the tools that they need, how they end."""

import argparse
import shutil
import signal
import sys
from pathlib import Path

PACKAGES = {
    "wrk": "wrk",
    "nginx": "nginx",
    "java": "default-jre-headless",
    "Rscript": "r-cran-plumber",
    "taskset": "util-linux",
}


def parser(doc: str, rounds: int) -> argparse.ArgumentParser:
    """Return the parser of a suite's options, described by the first line of its docstring."""
    suite = Path(sys.argv[0]).parent.name
    made = argparse.ArgumentParser(prog=f"python -m {suite}", description=doc.partition("\n")[0])
    made.add_argument("--rounds", type=int, default=rounds, help=f"interleaved rounds (default: {rounds})")
    return made


def serving_parser(doc: str) -> argparse.ArgumentParser:
    """Return the parser of a suite that loads servers."""
    made = parser(doc, rounds=5)
    made.add_argument("--seconds", type=int, default=4, help="length of each run of wrk (default: 4)")
    return made


def prepare(*tools: str) -> None:
    """Exit unless the tools are there; let SIGTERM end the program, and with it the servers that it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    if missing := [tool for tool in tools if not shutil.which(tool)]:
        packages = " ".join(PACKAGES.get(tool, tool) for tool in missing)
        sys.exit(f"not found: {' and '.join(missing)}; on Debian: apt-get install {packages}")
