"""Tiers 1 and 3: the linters pass on the sources in place and on the generated projects, which need no formatting."""

import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from template import CONTEXT, LAYERS, MATRIX, ROOT, files

from hooks.post_gen_project import STRAY

TOOLS = Path(sys.executable).parent
PYTHON = [pair for pair in MATRIX if pair[0] == "python"]

SOURCES = files(LAYERS) | {f".ci/{name}": path for name, path in files(ROOT / ".ci").items()}
GITHUB = [ROOT / ".github", *sorted(LAYERS.rglob(".github"))]
WORKFLOWS = sorted(file for folder in GITHUB for file in folder.glob("workflows/*.yml"))
DEPENDABOT = sorted(file for folder in GITHUB for file in folder.glob("dependabot.yml"))


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


@pytest.fixture(scope="session")
def known_types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy has found out about libraries, and about what projects share: seconds for the first, then none."""
    return tmp_path_factory.mktemp("mypy")


def check_types(known: Path, *what: str | Path, cwd: Path = ROOT) -> None:
    """Check the types of files and folders."""
    check("mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", known, *what, cwd=cwd)


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


def test_the_types_of_the_sources(known_types):
    """The tests' own helpers included; tests hand in what only looks like the real thing, and are not checked."""
    tests = ROOT / "tests"
    helpers = [*tests.glob("*.py"), *tests.glob("sdk/*.py"), *tests.glob("reference/*.py")]
    check_types(known_types, "hooks", *(file for file in helpers if not file.name.startswith("test_")))
    check_types(known_types, ".", cwd=tests / "reference/runtime")


@pytest.mark.frameworks(PYTHON)
def test_the_types_of_a_project(bake, language, framework, known_types):
    check_types(known_types, ".", cwd=bake(language=language, framework=framework))


def of_whom(file: Path) -> str:
    """Return a short name of a file in .github: whose it is, and its own."""
    folder = file.relative_to(ROOT).as_posix().partition(".github")[0]
    return f"{folder.rpartition('_layers/')[2] or 'template/'}{file.stem}"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=of_whom)
def test_workflows_are_valid_and_safe(workflow: Path):
    check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow)
    check("zizmor", "--offline", "--no-progress", workflow)


@pytest.mark.parametrize("configuration", DEPENDABOT, ids=of_whom)
def test_dependabot_configurations_are_valid(configuration: Path):
    check("check-jsonschema", "--builtin-schema", "vendor.dependabot", configuration)
    check("zizmor", "--offline", "--no-progress", configuration)


def test_dependabot_knows_every_folder_that_pins_packages():
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    known = [folder for update in updates if update["package-ecosystem"] == "pip" for folder in update["directories"]]
    pinning = [*LAYERS.rglob("requirements*.txt"), *ROOT.glob("*/requirements.txt"), *ROOT.glob("examples/**/req*.txt")]
    folders = {f"/{file.parent.relative_to(ROOT).as_posix()}" for file in pinning if STRAY.isdisjoint(file.parts)}
    assert len(folders) > 10
    assert [folder for folder in folders if not any(fnmatch(folder, pattern) for pattern in known)] == []


def test_dependabot_of_a_project_leaves_the_templates_packages_alone(bake, language, framework):
    """They come with an update of the template; `make doctor` would call them edited."""
    project = bake(language=language, framework=framework)
    updates = yaml.safe_load((project / ".github/dependabot.yml").read_text())["updates"]
    pip = [update for update in updates if update["package-ecosystem"] == "pip"]
    pinning = {file.relative_to(project).as_posix() for file in project.rglob("requirements*.txt")}
    left_alone = {
        name for update in pip for pattern in update["exclude-paths"] for name in pinning if fnmatch(name, pattern)
    }
    yours = {name for name in pinning if name.partition("/")[0] in CONTEXT["_yours"]}
    assert (pinning - left_alone if pip else set()) == yours
