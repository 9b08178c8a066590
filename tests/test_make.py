"""What a project's make says before it makes anything, and that it says no more than needed."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from template import LAYERS, MATRIX, ONE_EACH

GPU = next(pair for pair in MATRIX if LAYERS.joinpath(*pair, "requirements-gpu.txt").exists())


def make(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run make in a project, as a user would."""
    given = {name: value for name, value in os.environ.items() if name != "MAKELEVEL"}
    return subprocess.run(
        ["make", *arguments], cwd=project, env=given | environment, capture_output=True, text=True, check=False
    )


def environments(project: Path) -> None:
    """Let make find its environments made, by the Python that runs this."""
    for folder, mark in ((".venv", "ready-cpu"), ("local_test/.venv", "ready")):
        (project / folder / "bin").mkdir(parents=True)
        (project / folder / "bin/python").symlink_to(sys.executable)
        (project / folder / mark).touch()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("HOST=2", "the variable HOST is unknown: did you mean HOSTS=2? this Makefile has ARGS "),
        ("engine=process", "the variable engine is unknown: did you mean ENGINE=process? "),
        ("VERBOSE=1", "the variable VERBOSE is unknown: this Makefile has ARGS "),
    ],
)
def test_an_unknown_variable_is_refused_with_what_is_meant(bake: Callable[..., Path], given: str, words: str):
    project = bake()
    result = make(project, "help", given)
    assert result.returncode != 0 and not result.stdout
    assert words in result.stderr
    assert make(project, "help", "HOSTS=2", "ARGS=-k 'ping and not load'").returncode == 0
    assert make(project, "help", given, MAKELEVEL="1").returncode == 0, "it belongs to the make that has started this"


def with_commands(folder: Path, **commands: str) -> str:
    """Return a PATH on which these commands are scripts."""
    folder.mkdir()
    for name, script in commands.items():
        (folder / name.replace("_", "-")).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name.replace("_", "-")).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_a_gpu_that_is_not_there_is_missed_before_anything_is_built(bake: Callable[..., Path], tmp_path: Path):
    language, framework = GPU
    project = bake(language=language, framework=framework)
    plain, nvidia = ("echo ' Runtimes: io.containerd.runc.v2 runc'", "echo ' Runtimes: nvidia runc'")
    nowhere = with_commands(tmp_path / "nowhere", nvidia_smi="exit 9", docker=plain)
    for target in ("local-test", "train", "serve"):
        for engine in ("docker", "process"):
            result = make(project, target, "GPU=1", f"ENGINE={engine}", PATH=nowhere)
            assert result.returncode != 0
            assert "GPU=1: this machine has no NVIDIA GPU" in result.stderr
            assert result.stdout == f"engine: {engine} (as asked)\n"
    here = with_commands(tmp_path / "here", nvidia_smi="exit 0", docker=plain)
    assert make(project, "gpu", "GPU=1", "ENGINE=process", PATH=here).returncode == 0
    at_the_daemon = with_commands(tmp_path / "daemon", nvidia_smi="exit 9", docker=nvidia)
    assert make(project, "gpu", "GPU=1", "ENGINE=docker", PATH=at_the_daemon).returncode == 0


def test_a_busy_port_is_refused_before_the_image_is_built(bake: Callable[..., Path]):
    project = bake()
    environments(project)
    model = project / "local_test/output/model"
    model.mkdir(parents=True)
    (model / "model.npz").touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = make(project, "serve", "ENGINE=docker", f"ARGS=--port {port}")
    assert result.returncode != 0
    assert (
        f'port {port} is busy. Stop what listens there, or choose another one: make serve ARGS="--port {port + 1}"'
        in (result.stderr)
    )
    assert result.stdout == "engine: docker (as asked)\n"


@pytest.mark.parametrize(
    ("language", "chosen", "file", "mistake", "words"),
    [
        ("python", "process", "algorithm.py", "def broken(:", ["SyntaxError", "def broken(:"]),
        ("python", "process", "beside.py", "def broken(:", ["SyntaxError", "def broken(:"]),
        ("python", "process", "parts/__init__.py", "def broken(:", ["SyntaxError", "def broken(:"]),
        ("r", "process", "algorithm.R", "broken <- function( {", ["unexpected '{'"]),
        ("r", "process", "R/parts.R", "broken <- function( {", ["unexpected '{'"]),
        ("r", "docker", "algorithm.R", "broken <- function( {", ["unexpected '{'"]),
    ],
)
def test_a_mistake_in_the_syntax_is_found_before_anything_starts(
    bake: Callable[..., Path], language: str, chosen: str, file: str, mistake: str, words: list[str]
):
    if language == "r" and not shutil.which("Rscript"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("R is not installed: apt-get install r-base-core")
    project = bake(language=language, framework=dict(ONE_EACH)[language])
    environments(project)
    (project / file).parent.mkdir(exist_ok=True)
    with (project / file).open("a") as code:
        code.write(f"\n{mistake}\n")
    result = make(project, "train", f"ENGINE={chosen}")
    assert result.returncode != 0
    said = result.stdout + result.stderr
    assert all(word in said for word in [file, *words]), said
    assert "local_test train" not in said and "docker build" not in said


# What builders print of a build with a step, which is `CACHED` or not.
CLASSIC = """Sending build context to Docker daemon  208.9kB
Step 1/3 : ARG BASE=debian
Step 2/3 : FROM ${BASE}
 ---> 6eb0d4090c21
Step 3/3 : COPY . .
%s ---> 640f24d23d96
Successfully built 640f24d23d96
Successfully tagged churn:latest
"""
BUILDKIT = """#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 32B done
#1 DONE 0.0s

#2 [internal] load metadata for docker.io/library/debian:latest
#2 DONE 0.1s

#3 [1/2] FROM docker.io/library/debian@sha256:5a3443d052fef48821a8668c738d9fa6cc3d911e983bf11ed26335ed62836199
#3 DONE 0.0s

#4 [2/2] COPY . .
%s

#5 exporting to image
#5 exporting layers done
#5 writing image sha256:3c7329576edccbc996bfd37404385a235ba97929c6ec655b4f6c2419b9f88c2d done
#5 naming to docker.io/library/churn done
#5 DONE 0.0s
"""


@pytest.mark.parametrize(
    ("log", "status", "shown"),
    [
        (CLASSIC % " ---> Using cache\n", 0, False),
        (CLASSIC % "", 0, True),
        (CLASSIC % " ---> Running in 96b9aba7ceee\n", 0, True),
        (CLASSIC % " ---> Using cache\n", 3, True),
        (BUILDKIT % "#4 CACHED", 0, False),
        (BUILDKIT % "#4 DONE 0.1s", 0, True),
        (BUILDKIT % "#4 0.1 hello\n#4 CACHED", 0, True),
        (BUILDKIT % "#4 CACHED", 1, True),
        ("another builder's words\n", 0, True),
    ],
)
def test_the_output_of_a_build_is_shown_when_something_is_built_or_fails(
    tmp_path: Path, log: str, status: int, shown: bool
):
    (tmp_path / "log").write_text(log)
    command = ["sh", "-c", f"cat log; exit {status}"]
    result = subprocess.run(
        [LAYERS / "_shared/local_test/build.sh", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == status
    if shown:
        assert result.stdout == f"{' '.join(command)}\n{log}"
    else:
        assert result.stdout == "nothing to build: every step of the image is in Docker's cache\n"
