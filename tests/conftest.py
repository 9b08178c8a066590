"""Fixtures of the template's tests; a test that takes `language` and `framework` runs once for each pair."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import run
from cookiecutter.main import cookiecutter
from locks import only_one
from reference.runs import Images
from scheduling import SHARING, ByFramework
from template import FRAMEWORKS, MATRIX, ROOT, copy_template, distributes, own_layers

TORCH_IMAGE = "sm-algo-test-torch"  # .ci/base-images.sh makes it where PyTorch's index cannot be reached

# The modules that run local_test on the reference container, and those of local-sagemaker.
REFERENCE, LOCAL_SAGEMAKER = "reference", "local-sagemaker"
LANES = {
    "test_defects": REFERENCE,
    "test_local_test": REFERENCE,
    "test_local_sagemaker": LOCAL_SAGEMAKER,
    "test_local_sagemaker_defects": LOCAL_SAGEMAKER,
    "test_examples": LOCAL_SAGEMAKER,
}
# The lanes after those tests that need neither Docker nor a shared project. The longest come first, and the many short
# tests of the reference last, so that no worker is left alone.
ORDER = [framework for _, framework in sorted(MATRIX, key=lambda pair: not distributes(*pair))] + [REFERENCE]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --framework."""
    parser.addoption(
        "--framework",
        choices=[*FRAMEWORKS, "none"],
        help="run the tests of one framework only; none: those that belong to no framework",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests that take `language` and `framework` for every pair in cookiecutter.json, or for those they name.

    A module that chooses for itself has a function of this name too.
    """
    if {"language", "framework"} <= set(metafunc.fixturenames) and not hasattr(
        metafunc.module, "pytest_generate_tests"
    ):
        chosen = metafunc.definition.get_closest_marker("frameworks")
        pairs = chosen.args[0] if chosen else MATRIX
        ids = ["-".join(pair) for pair in pairs]
        metafunc.parametrize(("language", "framework"), pairs, ids=ids, scope="session")


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> ByFramework:
    """Let one worker run the tests that share a project."""
    return ByFramework(config, log)


def framework_of(item: pytest.Item) -> str:
    """Return the framework that a test belongs to; "none" if it belongs to none."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("framework", "none") if callspec else "none"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs Docker, and note for the table of lanes where a test belongs."""
    framework, fixtures = framework_of(item), getattr(item, "fixturenames", ())
    if framework != "none" and "project" in fixtures:
        assert item.path.stem in SHARING, f"{item.path.stem} shares projects: name it in tests/scheduling.py"
    if "docker" in fixtures or engine_of(item) == "docker":
        item.add_marker(pytest.mark.docker)
    item.user_properties.append(("lane", lane_of(item)))


def engine_of(item: pytest.Item) -> str | None:
    """Return the engine that a test names among its parameters."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("engine") if callspec else None


def lane_of(item: pytest.Item) -> str:
    """Return the lane that a test belongs to: the reference container, local-sagemaker, a framework, or "none"."""
    return LANES.get(item.path.stem) or framework_of(item)


def place(item: pytest.Item) -> tuple[int, ...]:
    """Return where a test stands in the order of all.

    First what needs neither Docker nor a shared project, while CI still makes the base images; then lane by lane, what
    needs Docker and an SDK last; at the end what needs Docker and belongs to no framework.
    """
    needs_docker = item.get_closest_marker("docker") is not None
    lane = REFERENCE if lane_of(item) == REFERENCE else framework_of(item)
    if lane == REFERENCE or (lane != "none" and item.path.stem in SHARING):
        return 1, ORDER.index(lane), needs_docker, item.path.stem == "test_sdk"
    return 2 * needs_docker, needs_docker


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of the chosen framework, in the order of their places."""
    chosen = config.option.framework
    unwanted = [item for item in items if chosen and framework_of(item) != chosen]
    config.hook.pytest_deselected(items=unwanted)
    items[:] = sorted((item for item in items if item not in unwanted), key=place)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A cookiecutter configuration that leaves the user's home alone."""
    file = tmp_path / "cookiecutter.yaml"
    file.write_text(f"replay_dir: {tmp_path}/replay\ncookiecutters_dir: {tmp_path}/cookiecutters\n")
    return file


@pytest.fixture
def bake(tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that generates a project with the given answers and returns its folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where cookiecutter leaves its rendered hooks

    def bake(template: Path = ROOT, output: Path = tmp_path / "out", **answers: str) -> Path:
        project = cookiecutter(
            str(template),
            no_input=True,
            extra_context=answers,
            output_dir=str(output),
            config_file=str(config),
            overwrite_if_exists=True,
        )
        return Path(project)

    return bake


def reachable(url: str) -> bool:
    """Return whether this machine can read a page."""
    try:
        with urllib.request.urlopen(url, timeout=20):
            return True
    except OSError:  # of which urllib's are a kind
        return False


@pytest.fixture(scope="session")
def package_index(language: str, framework: str) -> Iterator[None]:
    """What a project needs to be built and tested without PyTorch's own index; nothing where that can be reached.

    Without it, PyTorch is tested on another base image than users have, which has an older Python and a wheel of
    PyTorch, and in the local environment with a wheel that pip's configuration (find-links) must provide.
    """
    packages = [file.read_text() for folder in own_layers(language, framework) for file in folder.glob("*-cpu.txt")]
    index = re.search(r"^--extra-index-url (\S+)$", "\n".join(packages), re.MULTILINE)
    with pytest.MonkeyPatch.context() as environment:
        if index and not reachable(f"{index[1]}/torch/"):
            environment.setenv("BUILD_ARGS", f"--build-arg BASE_IMAGE={TORCH_IMAGE}")
            environment.setenv("PIP_RETRIES", "1")  # else pip tries the index for 8 seconds, for each package
        yield


@pytest.fixture(scope="session")
def project(language: str, framework: str, package_index: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of one framework that the whole session shares, as the command line makes it."""
    folder = tmp_path_factory.mktemp(framework)
    name = f"sm-algo-test-{framework}"
    answers = [f"project_name={name}", f"language={language}", f"framework={framework}"]
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "--output-dir", str(folder)]
    run(*command, str(ROOT), *answers)
    return folder / name


@pytest.fixture(scope="session")
def docker() -> str:
    """The docker command, when CI has made the base images.

    Without a daemon the test is skipped, but on CI, which is there to run it, it fails.
    """
    with only_one("base-images"):
        pass
    command = shutil.which("docker")
    if command and subprocess.run([command, "info"], capture_output=True, check=False).returncode == 0:
        return command
    missing = "Docker is not running" if command else "Docker is not installed"
    if os.environ.get("CI"):
        pytest.fail(f"{missing}, and CI is set")
    pytest.skip(missing)


@pytest.fixture(scope="session")
def image(project: Path, docker: str) -> str:
    """The image of the shared project."""
    run("make", "build", cwd=project)
    return project.name


@pytest.fixture(scope="session")
def images(docker: str) -> Iterator[Images]:
    """The reference as images, which are removed at the end."""
    built = Images()
    yield built
    built.remove()


@pytest.fixture
def cli(tmp_path: Path, config: Path):
    """Return a function that runs the real `cookiecutter` command into tmp_path/out."""

    def cli(*arguments: str, template: Path | str = ROOT) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "cookiecutter", "--no-input", "--config-file", str(config)]
        command += ["--output-dir", str(tmp_path / "out"), str(template), *arguments]
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    return cli


@pytest.fixture
def template_copy(tmp_path: Path) -> Path:
    """A copy of the template to change."""
    return copy_template(tmp_path / "template")
