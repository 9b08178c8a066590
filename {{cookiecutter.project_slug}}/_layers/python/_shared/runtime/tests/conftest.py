"""Fixtures of the runtime's tests."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runtime.tests.programs import make_project, running


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that makes a project of the real runtime and an algorithm.py, and returns its folder."""
    return lambda code: make_project(tmp_path / "project", code)


@pytest.fixture
def start(project) -> Iterator[Callable[..., subprocess.Popen]]:
    """Return a function that starts one of the runtime's programs with an algorithm of the test's own."""
    with ExitStack() as stack:

        def start(program: str, code: str, **variables: str) -> subprocess.Popen:
            folder = project(code)
            return stack.enter_context(running(folder, folder / "runtime" / program, **variables))

        yield start
