"""The facts at the head of report.html: what was checked, and with what."""

import platform
import subprocess
from pathlib import Path

import pytest

from .engines.base import Engine


def facts(engine: Engine, project: Path) -> list[tuple[str, str]]:
    """Return the facts of a run, as (name, value)."""
    found = [("engine", engine.name), *engine.facts()]
    if commit := commit_of(project):
        found.append(("git commit", commit))
    own = f"Python {platform.python_version()}, pytest {pytest.__version__}, {platform.platform()}"
    return [*found, ("local_test", own)]


def commit_of(project: Path) -> str | None:
    """Return the commit of a project, and whether it has changes that are not committed; None outside of git."""
    commit = git(project, "rev-parse", "HEAD")
    if not commit:
        return None
    return f"{commit}, with changes that are not committed" if git(project, "status", "--porcelain", ".") else commit


def git(project: Path, *arguments: str) -> str:
    """Return what a git command prints; nothing where it fails, or there is no git."""
    try:
        command = ["git", "-C", str(project), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
