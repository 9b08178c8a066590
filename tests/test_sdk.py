"""AWS's own clients work on the image unchanged: SageMaker SDK v2 and v3 in local mode (contract section 9)."""

import json
import os
import re
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_sagemaker import expect_answer
from locks import only_one
from programs import free_port
from sdk.environments import interpreter
from template import ONE_EACH, ROOT

# The image's interface to the SDKs is the language's runtime.
pytestmark = pytest.mark.frameworks(ONE_EACH)

DRIVERS = ROOT / "tests/sdk"
TIMEOUT = 300  # seconds; v2 gives up on /ping after 120 (L10)
NETWORK = "sagemaker-local"  # both SDKs leave it behind


def surroundings(folder: Path) -> dict[str, str]:
    """Return the environment of an SDK: a region (L5), no credentials, no configuration of the user, no telemetry."""
    settings = folder / "home/.config/sagemaker/config.yaml"
    settings.parent.mkdir(parents=True)
    modules = {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}
    settings.write_text(json.dumps({"SchemaVersion": "1.0", "SageMaker": modules}))  # JSON is YAML
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAGEMAKER_"))}
    return kept | {
        "HOME": str(folder / "home"),
        "XDG_CONFIG_HOME": str(settings.parents[1]),
        "DOCKER_CONFIG": os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker")),
        "TMPDIR": str(folder),
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
    }


def drive(sdk: str, folder: Path, *arguments: str | Path) -> None:
    """Run the driver of an SDK to its end; fail with all that it printed."""
    command = [interpreter(sdk), DRIVERS / f"{sdk}.py", *arguments]
    with (folder / "log.txt").open("w+") as log:
        # In a session of its own, to stop docker compose with it.
        driver = subprocess.Popen(
            command, cwd=folder, env=surroundings(folder), stdout=log, stderr=log, start_new_session=True
        )
        try:
            status = driver.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            status = f"nothing within {TIMEOUT} seconds"
        finally:
            if driver.poll() is None:
                os.killpg(driver.pid, signal.SIGKILL)
                driver.wait()
        log.seek(0)
        assert status == 0, f"SDK {sdk} ended with {status}:\n{log.read()}"


def containers(docker: str, folder: Path, *, stopped: bool) -> list[str]:
    """Return the ids of the containers whose compose file is in a folder."""
    columns = '{{.ID}} {{.Label "com.docker.compose.project.working_dir"}}'
    command = [docker, "ps", *(["--all"] if stopped else []), "--format", columns]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = (line.partition(" ") for line in listed)
    return [name for name, _, place in rows if place and Path(place).is_relative_to(folder.resolve())]


def networks(docker: str) -> list[str]:
    """Return the names of Docker's networks."""
    command = [docker, "network", "ls", "--format", "{{.Name}}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def need_compose(docker: str, versions: str) -> None:
    """Skip the test, in CI fail it, where the SDK would not find a docker compose that it supports (L2)."""
    command = [docker, "compose", "version", "--short"]
    version = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not re.match(versions, version) and not shutil.which("docker-compose"):
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(f"this SDK needs docker-compose, or a docker compose whose version starts with {versions}")


@pytest.fixture
def folder(tmp_path: Path, image: str, docker: str) -> Iterator[Path]:
    """A folder for all that an SDK writes; afterwards its containers are gone and its files the user's own (L13)."""
    with only_one(NETWORK):
        before = networks(docker)
        yield tmp_path
        if left := containers(docker, tmp_path, stopped=True):
            subprocess.run([docker, "rm", "--force", "--volumes", *left], capture_output=True, check=True)
        if NETWORK not in before:
            subprocess.run([docker, "network", "rm", NETWORK], capture_output=True, check=False)
    mine = ["chown", "-R", f"{os.getuid()}:{os.getgid()}", "/left"]
    subprocess.run([docker, "run", "--rm", "--volume", f"{tmp_path}:/left", image, *mine], check=True)


def test_sdk_3_trains(project: Path, image: str, docker: str, folder: Path):
    need_compose(docker, "v?[2-9]")
    drive("v3", folder, image, project, folder)
    listed = subprocess.run(
        ["tar", "-tzf", folder / "compressed_artifacts/model.tar.gz"], capture_output=True, text=True, check=True
    )
    assert listed.stdout.split(), "model.tar.gz is empty"


def test_sdk_2_fits_deploys_predicts_and_deletes(project: Path, image: str, docker: str, folder: Path):
    need_compose(docker, "v?2")
    port = free_port()
    drive("v2", folder, image, project, folder, str(port))
    assert containers(docker, folder, stopped=False) == [], "delete_endpoint() has left the container running"

    requests = tomllib.loads((project / "sample/sample.toml").read_text())["requests"]
    answers = json.loads((folder / "answers.json").read_text())
    for request, answer in zip(requests, answers, strict=True):
        expect_answer(request, answer)  # the SDK does not look at the status (L10)
