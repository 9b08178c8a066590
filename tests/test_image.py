"""The image: every builder makes it, and what a user does next is quick."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from template import LAYERS, MATRIX, ONE_EACH

sys.path.insert(0, str(LAYERS / "_shared"))
from cloud.service_model import problems

GPU = [pair for pair in MATRIX if LAYERS.joinpath(*pair, "requirements-gpu.txt").exists()]

# Instead of pip: records its arguments and one of its settings, and installs nothing.
PIP = """ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN printf '#!/bin/sh\\necho "$@" $PIP_INDEX_URL >/pip' >/usr/local/bin/pip
"""


def build(docker: str, folder: Path, tag: str, *arguments: str, buildkit: bool) -> subprocess.CompletedProcess:
    """Run docker build with one of the two builders, and as make build does with what BUILD_ARGS holds."""
    arguments = (*shlex.split(os.environ.get("BUILD_ARGS", "")), *arguments)
    return subprocess.run(
        [docker, "build", "--tag", tag, *arguments, str(folder)],
        env=os.environ | {"DOCKER_BUILDKIT": str(int(buildkit))},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def clients(docker: str, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, str]:
    """A docker command for each builder, BuildKit or not: not every client on a machine has BuildKit."""
    empty = tmp_path_factory.mktemp("empty")
    (empty / "Dockerfile").write_text("FROM scratch\nLABEL empty=true\n")
    on_path = [shutil.which("docker", path=folder) for folder in os.environ["PATH"].split(os.pathsep)]
    candidates = list(dict.fromkeys(filter(None, on_path)))
    found = {
        kit: next((c for c in candidates if build(c, empty, "sm-algo-test-empty", buildkit=kit).returncode == 0), "")
        for kit in (True, False)
    }
    assert all(found.values()), f"no docker command here has both builders: {found}"
    return found


@pytest.mark.frameworks(ONE_EACH)
def test_it_builds_with_buildkit(project: Path, clients: dict[bool, str]):
    """The Dockerfile is the language's, and it would take minutes to install every framework once more.

    All are built with the classic builder below; where the builders could differ is in the next test.
    """
    result = build(clients[True], project, f"{project.name}:buildkit", buildkit=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("buildkit", [True, False], ids=["buildkit", "classic"])
@pytest.mark.frameworks(GPU)
def test_the_device_chooses_the_packages(
    bake, clients: dict[bool, str], tmp_path: Path, language: str, framework: str, buildkit: bool
):
    docker, tag = clients[buildkit], f"sm-algo-test-pip-{framework}:{'buildkit' if buildkit else 'classic'}"
    project = bake(language=language, framework=framework)
    (base,) = re.findall(r"^ARG BASE_IMAGE=(.+)", (project / "Dockerfile").read_text(), re.MULTILINE)
    (project / "system-packages.txt").unlink()  # which a project made before there was such a file has not
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip/Dockerfile").write_text(PIP)
    for folder, base_image in ((tmp_path / "pip", base), (project, tag)):
        arguments = [f"BASE_IMAGE={base_image}", "DEVICE=gpu", "PIP_INDEX_URL=https://mirror.example/simple"]
        result = build(docker, folder, tag, *(f"--build-arg={argument}" for argument in arguments), buildkit=buildkit)
        assert result.returncode == 0, result.stdout + result.stderr
    called = subprocess.run([docker, "run", "--rm", tag, "cat", "/pip"], capture_output=True, text=True, check=True)
    files = "-r requirements.txt -r requirements-gpu.txt -r runtime/requirements.txt"
    constraints = "-c constraints.txt -c runtime/constraints.txt"
    assert called.stdout.endswith(f" {files} {constraints} https://mirror.example/simple\n")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (
            "# libgl1\n\nlibgomp1 # for LightGBM\r\n  libstdc++6\t\nlibglib2.0-0",
            ["libgomp1", "libstdc++6", "libglib2.0-0"],
        ),
        ("", []),
        (None, []),
    ],
)
def test_debian_packages_are_names_one_on_each_line(tmp_path: Path, content: str | None, names: list[str]):
    file = tmp_path / "system-packages.txt"
    if content is not None:
        file.write_bytes(content.encode())
    command = ["sh", LAYERS / "_shared/runtime/debian_packages.sh", file]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == names


@pytest.mark.parametrize("line", ["libgomp1=14.2", "--allow-downgrades", "libgomp1 libgl1", "libGL.so.1"])
def test_what_is_no_debian_package_is_refused_in_a_sentence(tmp_path: Path, line: str):
    (tmp_path / "system-packages.txt").write_text(f"libgl1\n{line}\n")
    command = ["sh", LAYERS / "_shared/runtime/debian_packages.sh", tmp_path / "system-packages.txt"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == (
        f'system-packages.txt: "{line}" is not the name of a Debian package: write names alone, one on each line, such '
        "as libgomp1\n"
    )


SYSTEM_PACKAGES = {"python": ("system-packages.txt", ""), "r": ("packages.txt", "debian ")}


@pytest.mark.frameworks(ONE_EACH)
def test_a_build_ends_where_a_debian_package_has_no_such_name(
    bake, clients: dict[bool, str], language: str, framework: str
):
    project, (name, word) = bake(language=language, framework=framework), SYSTEM_PACKAGES[language]
    with (project / name).open("a") as file:
        file.write(f"{word}libgomp1=14.2\n")
    result = build(clients[False], project, f"sm-algo-test-{framework}:refused", buildkit=False)
    assert result.returncode != 0
    assert f'{name}: "libgomp1=14.2" is not the name of a Debian package' in result.stdout + result.stderr


@pytest.mark.frameworks(ONE_EACH)
def test_a_build_that_has_nothing_to_do_is_quiet(project: Path, image: str):
    result = subprocess.run(["make", "build"], cwd=project, capture_output=True, text=True, check=True)
    assert result.stdout + result.stderr == "nothing to build: every step of the image is in Docker's cache\n"


@pytest.mark.frameworks(ONE_EACH)
def test_a_change_of_the_algorithm_installs_nothing_again(project: Path, clients: dict[bool, str], tmp_path: Path):
    """The order of its steps is the Dockerfile's, which is the language's."""
    tag = f"{project.name}:changed"
    assert build(clients[False], project, tag, buildkit=False).returncode == 0
    changed = shutil.copytree(project, tmp_path / "changed", ignore=shutil.ignore_patterns(".venv", ".git"))
    (algorithm,) = changed.glob("algorithm.*")
    algorithm.write_text(algorithm.read_text() + "\n# changed\n")
    result = build(clients[False], changed, tag, buildkit=False)
    assert result.returncode == 0, result.stdout + result.stderr
    steps = result.stdout.split("\nStep ")
    install = next(step for step in steps if ": RUN " in step.splitlines()[0])
    assert "Using cache" in install


def test_without_a_command_it_trains(image: str, docker: str):
    inspected = subprocess.run([docker, "image", "inspect", image], capture_output=True, check=True)
    config = json.loads(inspected.stdout)[0]["Config"]
    assert (config["Cmd"], config["Entrypoint"]) == (["train"], None)
    result = subprocess.run([docker, "run", "--rm", image], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "channel" in result.stderr, "train should have complained that it has no channel"


def test_only_what_the_algorithm_needs_is_in_the_image(image: str, docker: str):
    listed = subprocess.run(
        [docker, "run", "--rm", image, "find", "/opt/program", "-type", "f"], capture_output=True, text=True, check=True
    )
    names = {name.removeprefix("/opt/program/") for name in listed.stdout.split()}
    assert {"runtime/train", "runtime/serve", "runtime/describe"} <= names
    left_out = (".git", ".venv", "local_test", "cloud", "tests", "runtime/tests")
    assert not [name for name in names if name.startswith(left_out)]
    assert [name for name in names if name.startswith("sample")] == ["sample/sample.toml"]


def test_its_label_is_what_describe_prints_and_sagemaker_would_take(project: Path, image: str, docker: str):
    """By AWS's own model of CreateAlgorithm and CreateModelPackage."""
    run = [docker, "run", "--rm", image, "describe"]
    printed = json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    inspected = subprocess.run([docker, "image", "inspect", image], capture_output=True, check=True)
    assert json.loads(json.loads(inspected.stdout)[0]["Config"]["Labels"]["sm-algo.describe"]) == printed
    training = {
        "TrainingImage": image,
        "SupportedTrainingInstanceTypes": ["ml.m5.large"],
        **{name: printed[name] for name in ("SupportedHyperParameters", "TrainingChannels", "MetricDefinitions")},
    }
    assert problems("CreateAlgorithm", {"AlgorithmName": image, "TrainingSpecification": training}) == []
    types = {name: printed[name] for name in ("SupportedContentTypes", "SupportedResponseMIMETypes")}
    package = {"Containers": [{"Image": image}], **types}
    assert problems("CreateModelPackage", {"InferenceSpecification": package}) == []
    sample = tomllib.loads((project / "sample/sample.toml").read_text())
    declared = {one["Name"] for one in printed["SupportedHyperParameters"]}
    assert declared >= sample["training"]["hyperparameters"].keys()
    assert {one["content_type"] for one in sample["requests"]} <= set(types["SupportedContentTypes"])
