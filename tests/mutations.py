"""Projects with one thing broken, to see that a test finds it."""

import shutil
from collections.abc import Callable
from pathlib import Path

Mutation = Callable[[Path], None]


def change(name: str, before: str, after: str) -> Mutation:
    """Return a mutation that replaces some text in a file of the project, where it stands exactly once."""

    def mutate(project: Path) -> None:
        file = project / name
        text = file.read_text()
        assert text.count(before) == 1, f"{name} no longer holds, exactly once: {before}"
        file.write_text(text.replace(before, after))

    return mutate


def copied(project: Path, target: Path) -> Path:
    """Copy a project, which keeps its environments, and return the copy."""
    shutil.copytree(project, target, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    for environment in (".venv", "local_test/.venv"):
        if (project / environment).exists():
            (target / environment).symlink_to(project / environment)
    return target
