"""The runtime's programs, run with algorithms of the tests' own: the project's is the user's, and may be anything."""

import os
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RUNTIME = Path(__file__).resolve().parent.parent
PATIENCE = 60  # seconds until a program is killed, which ends its log


def make_project(folder: Path, code: str) -> Path:
    """Make a project of the real runtime and an algorithm.py; returns its folder."""
    if not folder.exists():
        shutil.copytree(RUNTIME, folder / "runtime", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    (folder / "algorithm.py").write_text(textwrap.dedent(code))
    return folder


@contextmanager
def running(project: Path, *arguments: str | Path, **variables: str) -> Iterator[subprocess.Popen]:
    """Run Python in a project, with the folder above it for /opt/ml, until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=project,
        env=os.environ | {"SAGEMAKER_BASE_DIR": str(project.parent), "PYTHONUNBUFFERED": "1"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        process.kill()
        process.communicate()
