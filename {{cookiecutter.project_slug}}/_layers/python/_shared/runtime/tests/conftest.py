"""The runtime is tested with algorithms of the tests' own: the project's is the user's, and may be anything."""

import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

RUNTIME = Path(__file__).resolve().parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that makes a project of the real runtime and an algorithm.py, and returns its folder."""
    folder = tmp_path / "project"
    shutil.copytree(RUNTIME, folder / "runtime", ignore=shutil.ignore_patterns("tests", "__pycache__"))

    def project(code: str) -> Path:
        (folder / "algorithm.py").write_text(textwrap.dedent(code))
        return folder

    return project
