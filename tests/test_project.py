"""Generated projects do what their README says: tier 4, and `make local-test` in both engines."""

import os
import signal
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

# What local_test puts on all that it makes in Docker.
LABEL = "local-test.sagemaker"


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run make in a project, as a user would."""
    return subprocess.run(["make", *arguments], cwd=project, capture_output=True, text=True, check=False)


def outcomes(project: Path) -> dict[str, list[str]]:
    """What local_test's junit file says: the names of the checks by outcome; for skipped ones the reason."""
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


# Why a check of several hosts does not judge a framework that trains on one.
FIRST_HOST_ONLY = "because the algorithm trains on the first host only"


def test_local_test_without_docker(project: Path):
    result = make(project, "local-test", "ENGINE=process", "HOSTS=2")
    assert result.returncode == 0, result.stdout + result.stderr
    found = outcomes(project)
    assert not found["failed"]
    assert len(found["passed"]) > 40
    expected = ("needs the docker engine", *expected_skips(project))
    assert all(reason.startswith(expected) for reason in found["skipped"]), found["skipped"]
    assert (project / "local_test/report.html").stat().st_size > 1000


def expected_skips(project: Path) -> tuple[str, ...]:
    """Why checks of several hosts may be skipped: never for a framework that distributes."""
    return () if (project / "runtime/distribution.py").exists() else (FIRST_HOST_ONLY,)


def labelled(docker: str) -> set[tuple[str, str]]:
    """What there is in Docker that local_test has made: kinds and identifiers."""
    found = set()
    for kind in ("container", "volume", "network"):
        command = [docker, kind, "ls", "--quiet", "--filter", f"label={LABEL}", *(["--all"] * (kind == "container"))]
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        found |= {(kind, identifier) for identifier in listed.stdout.split()}
    return found


def test_local_test_with_docker(project: Path, docker: str):
    before = labelled(docker)  # of a run that was killed
    result = make(project, "local-test", "ENGINE=docker", "HOSTS=3")
    assert result.returncode == 0, result.stdout + result.stderr
    found = outcomes(project)
    assert not found["failed"]
    expected = ("`train` is not a Python program", *expected_skips(project))
    assert all(reason.startswith(expected) for reason in found["skipped"]), found["skipped"]
    assert labelled(docker) <= before, "local_test left something behind"


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


def serve_and_predict(project: Path, serve: list[str], predict: list[str]) -> str:
    """Start a server, wait until it says that it serves, send it a request; the answer. Ctrl-C ends the server."""
    server = subprocess.Popen(serve, cwd=project, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert any("Ctrl-C" in line for line in server.stdout), f"{serve} ended without serving"
        answer = subprocess.run(predict, cwd=project, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stderr
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait(30)


def test_make_train_serve_and_predict_without_docker(project: Path):
    trained = make(project, "train", "ENGINE=process")
    assert trained.returncode == 0, trained.stdout + trained.stderr
    answer = serve_and_predict(project, ["make", "serve", "ENGINE=process"], ["make", "predict"])
    assert "200 OK" in answer


def test_the_classic_scripts_train_serve_and_predict(project: Path, image: str):
    script = project / "local_test/train_local.sh"
    trained = subprocess.run(["bash", script, image], capture_output=True, text=True, check=False)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert all(file.stat().st_uid == os.getuid() for file in (project / "local_test/output").rglob("*"))
    serve = ["bash", "local_test/serve_local.sh", image]
    assert "200 OK" in serve_and_predict(project, serve, ["bash", "local_test/predict.sh"])
