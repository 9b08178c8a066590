"""Generated projects do what their README says: tier 4, and `make local-test` in both engines."""

import os
import re
import signal
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import run
from locks import only_one
from mutations import copied
from template import LANGUAGES, MATRIX, ONE_EACH, distributes, pinned

# The label of everything that local_test makes in Docker.
LABEL = "local-test.sagemaker"


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run make in a project, as a user would."""
    return subprocess.run(["make", *arguments], cwd=project, capture_output=True, text=True, check=False)


def outcomes(project: Path) -> dict[str, list[str]]:
    """Return what local_test's junit file says: the names of the checks by outcome; for skipped ones the reason."""
    found = {"passed": [], "failed": [], "skipped": []}
    for case in ET.parse(project / "local_test/junit.xml").iter("testcase"):
        if (skipped := case.find("skipped")) is not None:
            found["skipped"].append(skipped.get("message"))
        else:
            broken = case.find("failure") is not None or case.find("error") is not None
            found["failed" if broken else "passed"].append(case.get("name"))
    return found


def test_make_alone_lists_the_targets(project: Path):
    result = make(project)
    assert result.returncode == 0
    targets = {line.split()[1] for line in result.stdout.splitlines() if line.startswith("  make ")}
    assert targets >= {"help", "build", "train", "serve", "predict", "local-test", "test", "lint", "doctor", "clean"}


def test_own_unit_tests_and_linters_pass(project: Path):
    for target in ("test", "lint"):
        result = make(project, target)
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.frameworks([pair for pair in MATRIX if pair[0] == "python"])
def test_every_package_is_pinned(project: Path):
    """A new framework whose `make lock` was forgotten would bring what is newest on the day."""
    run("make", "environment", cwd=project)
    listed = run(str(project / ".venv/bin/python"), "-m", "pip", "list", "--format=freeze")
    files = [*project.glob("*.txt"), *project.glob("runtime/**/*.txt")]
    own = {"pip", "setuptools"}  # of the virtual environment itself
    assert pinned(listed) - own <= set().union(*(pinned(file.read_text()) for file in files))


@pytest.mark.frameworks(ONE_EACH)
def test_pre_commit_lets_nothing_in_that_lint_complains_of(
    project: Path, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    copy = copied(project, tmp_path / project.name)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    commit = ["git", *identity, "commit", "--all", "--message", "change"]
    run("git", "init", "--quiet", cwd=copy)
    run(sys.executable, "-m", "pre_commit", "install", cwd=copy)
    run("git", "add", "--all", cwd=copy)
    run(*commit, cwd=copy)

    with (copy / LANGUAGES[language]["algorithm"]).open("a") as algorithm:
        algorithm.write("\n\nx  =  1\n")
    refused = subprocess.run(commit, cwd=copy, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert re.search(r"^make lint\.+Failed$", refused.stderr + refused.stdout, re.MULTILINE), refused.stderr
    run("make", "format", cwd=copy)
    run(*commit, cwd=copy)


# Why a check of several hosts is skipped for a framework that trains on one.
FIRST_HOST_ONLY = "because the algorithm trains on the first host only"

# The frameworks that train on several hosts.
TOGETHER = [pair for pair in MATRIX if distributes(*pair)]


def expect_skips(reasons: list[str], *expected: str) -> None:
    """Expect each of these reasons, and no other."""
    assert all(reason.startswith(expected) for reason in reasons), reasons
    for start in expected:
        assert any(reason.startswith(start) for reason in reasons), f"nothing was skipped {start}"


def test_local_test_without_docker(project: Path, language: str, framework: str):
    """Also on two hosts where these do not train together, in one framework of each language.

    Where they do, that is tested in containers, and in processes by the project's own tests.
    """
    hosts = 2 if (language, framework) in ONE_EACH else 1
    result = make(project, "local-test", "ENGINE=process", f"HOSTS={hosts}")
    assert result.returncode == 0, result.stdout + result.stderr
    found = outcomes(project)
    assert not found["failed"]
    assert len(found["passed"]) > 40
    alone = [FIRST_HOST_ONLY] if hosts > 1 else []
    expect_skips(found["skipped"], "needs the docker engine", *alone)
    assert (project / "local_test/report.html").stat().st_size > 1000


@contextmanager
def traced(docker: str, image: str) -> Iterator[list[str]]:
    """Yield a list that holds, at the end, the labels of all that local_test has made for an image in the meantime."""
    columns = f'{{{{.Actor.Attributes.image}}}} {{{{index .Actor.Attributes "{LABEL}"}}}}'
    filters = ["type=container", "event=create", f"label={LABEL}"]
    command = [docker, "events", *(f"--filter={one}" for one in filters), "--format", columns]
    labels = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as events:
        try:
            yield labels
        finally:
            events.terminate()
        rows = (line.split() for line in events.stdout)
        labels += {label for name, label in rows if name == image}


def left(docker: str, label: str) -> list[str]:
    """Return the containers, volumes and networks of Docker with a label."""
    found = []
    for kind in (["container", "ls", "--all"], ["volume", "ls"], ["network", "ls"]):
        command = [docker, *kind, "--quiet", "--filter", f"label={LABEL}={label}"]
        found += subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return found


def test_local_test_with_docker(project: Path, image: str, docker: str, language: str, framework: str):
    with traced(docker, image) as labels:
        hosts = 2 if (language, framework) in TOGETHER else 1
        result = make(project, "local-test", "ENGINE=docker", f"HOSTS={hosts}")
    assert result.returncode == 0, result.stdout + result.stderr
    found = outcomes(project)
    assert not found["failed"]
    expect_skips(found["skipped"], *(["`train` is not a Python program"] if language == "r" else []))
    (label,) = labels
    assert left(docker, label) == [], "local_test left something behind"


def test_a_wrong_engine_is_refused_in_a_sentence(project: Path):
    result = make(project, "local-test", "ENGINE=podman")
    assert result.returncode != 0
    assert "use docker or process" in result.stderr


def test_gpu_is_another_build_or_refused_in_a_sentence(project: Path):
    if (project / "requirements-gpu.txt").exists():
        docker = make(project, "-n", "local-test", "ENGINE=docker", "GPU=1").stdout
        assert "--build-arg DEVICE=gpu" in docker and "--gpus" in docker
        process = make(project, "-n", "local-test", "ENGINE=process", "GPU=1").stdout
        assert "-r requirements-gpu.txt" in process and "-r requirements-cpu.txt" not in process
    else:
        for target in ("build", "environment"):
            result = make(project, target, "GPU=1")
            assert result.returncode != 0
            assert "there is no requirements-gpu.txt, for this framework computes on CPUs" in result.stderr


def test_images_are_for_sagemakers_machines_unless_another_platform_is_asked_for(project: Path):
    """Whatever this machine's own processor is, which on a Mac is another one."""
    for asked, platform in ([], "linux/amd64"), (["PLATFORM=linux/arm64"], "linux/arm64"):
        lines = make(project, "-n", "local-test", "ENGINE=docker", *asked).stdout.splitlines()
        builds = [line for line in lines if "docker build " in line]
        suite = [line for line in lines if "-m pytest local_test " in line]
        assert len(builds) == 2 and len(suite) == 1
        assert all(f" --platform {platform} " in line for line in builds + suite)
        for target in ("train", "serve", "local-sagemaker"):
            assert builds[0] in make(project, "-n", target, "ENGINE=docker", *asked).stdout
    result = make(project, "build", "PLATFORM=linux/arm")
    assert result.returncode != 0
    assert "PLATFORM=linux/arm: use linux/amd64 or linux/arm64" in result.stderr
    both = make(project, "build", "GPU=1", "PLATFORM=linux/arm64")
    assert both.returncode != 0 and "leave" in both.stderr


def serve_and_predict(project: Path, serve: list[str], predict: list[str]) -> str:
    """Start a server, wait until it says that it serves, send it a request; the answer. Ctrl-C ends the server.

    Servers have port 8080, as on SageMaker, so that there is one at a time.
    """
    with only_one("port-8080"):
        server = subprocess.Popen(
            serve, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        try:
            assert any("Ctrl-C" in line for line in server.stdout), f"{serve} ended without serving"
            answer = subprocess.run(predict, cwd=project, capture_output=True, text=True, check=False)
            assert answer.returncode == 0, answer.stdout + answer.stderr
            return answer.stderr
        finally:
            os.killpg(server.pid, signal.SIGINT)
            said, _ = server.communicate(timeout=30)
            assert "***" not in said, "to end a server is no failure of make's"


def test_make_train_serve_and_predict_without_docker(project: Path, tmp_path: Path):
    trained = make(project, "train", "ENGINE=process")
    assert trained.returncode == 0, trained.stdout + trained.stderr
    requests = tomllib.loads((project / "sample/sample.toml").read_text())["requests"]
    file = tmp_path / "rows.json"
    file.write_text(next(one["body"] for one in requests if one["content_type"] == "application/json"))
    # As JSON, though the sample's first request is another.
    answer = serve_and_predict(project, ["make", "serve", "ENGINE=process"], ["make", "predict", f"ARGS={file}"])
    assert "200 OK" in answer


def test_the_classic_scripts_train_serve_and_predict(project: Path, image: str):
    script = project / "local_test/train_local.sh"
    trained = subprocess.run(["bash", script, image], capture_output=True, text=True, check=False)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert all(file.stat().st_uid == os.getuid() for file in (project / "local_test/output").rglob("*"))
    serve = ["bash", "local_test/serve_local.sh", image]
    assert "200 OK" in serve_and_predict(project, serve, ["bash", "local_test/predict.sh"])
