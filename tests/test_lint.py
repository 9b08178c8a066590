"""Tiers 1 and 3: the linters pass on the sources in place and on the generated projects, which need no formatting."""

import subprocess
import sys
from pathlib import Path

import pytest
from template import LAYERS, ROOT, files

TOOLS = Path(sys.executable).parent

SOURCES = files(LAYERS) | {f".ci/{name}": path for name, path in files(ROOT / ".ci").items()}
WORKFLOWS = sorted((ROOT / ".github/workflows").iterdir()) + sorted((LAYERS / "_shared/.github/workflows").iterdir())


def check(tool: str, *arguments: str | Path, cwd: Path = ROOT) -> None:
    """Run a linter; its complaints are the message of the failure."""
    command = [TOOLS / tool, *arguments]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{tool}\n{result.stdout}{result.stderr}"


def shell_scripts(named: dict[str, Path]) -> list[Path]:
    """Return the scripts that bash or sh runs."""
    return [path for path in named.values() if path.suffix == ".sh" or first_line(path).endswith((b"bash", b"/sh"))]


def first_line(path: Path) -> bytes:
    """Return the first line of a script, b"" for other files."""
    line = path.read_bytes().split(b"\n", 1)[0]
    return line if line.startswith(b"#!") else b""


def dockerfiles(named: dict[str, Path]) -> list[Path]:
    """Return the Dockerfiles."""
    return [path for path in named.values() if path.name == "Dockerfile"]


def lint(folder: Path, named: dict[str, Path]) -> None:
    """Lint and check the format of a folder's Python and R, and of the named shell scripts and Dockerfiles.

    A project has rules for its own language: the Python of an R project, and the R of the examples in a Python project,
    are held to those of the sources.
    """
    if (folder / "ruff.toml").exists() or folder == ROOT:
        check("ruff", "check", "--no-cache", ".", cwd=folder)
        check("ruff", "format", "--no-cache", "--check", "--diff", ".", cwd=folder)
    check("shellcheck", "--external-sources", *shell_scripts(named))
    check("shfmt", "-i", "0", "-d", *shell_scripts(named))
    check("hadolint", *dockerfiles(named))
    if (folder / "air.toml").exists():
        check("air", "format", "--check", ".", cwd=folder)
        check("jarl", "check", ".", cwd=folder)


def test_the_linters_find_their_files():
    """Without it, the tests below would pass on a layout that they do not see."""
    assert LAYERS / "_shared/build_and_push.sh" in shell_scripts(SOURCES)
    assert LAYERS / "python/_shared/Dockerfile" in dockerfiles(SOURCES)
    seen = subprocess.run(
        [TOOLS / "ruff", "check", "--show-files", "."], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for language in ("_shared/local_test/sample.py", "python/_shared/runtime/train", "python/flask/algorithm.py"):
        assert str(LAYERS / language) in seen


def test_the_sources_are_clean():
    lint(ROOT, SOURCES)


def test_a_project_is_clean_and_formatted(bake, language, framework):
    project = bake(language=language, framework=framework)
    lint(project, files(project))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=["template", "project-ci", "project-push"])
def test_workflows_are_valid_and_safe(workflow):
    check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow)
    check("zizmor", "--offline", "--no-progress", workflow)


def test_the_dependabot_configuration_is_valid():
    check("check-jsonschema", "--builtin-schema", "vendor.dependabot", ROOT / ".github/dependabot.yml")
