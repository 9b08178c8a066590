"""build_and_push.sh pushes a real image to a registry on this machine, for which a script stands in as `aws`."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import run
from programs import free_port
from template import LAYERS

SCHEMA_2 = "application/vnd.docker.distribution.manifest.v2+json"
PATIENCE = 30  # seconds

# ECR, as the script asks it.
AWS = """#!{python}
import sys, urllib.request
registry, name = "{registry}", "my-algorithm"
if sys.argv[1] == "sts":
    print("123456789012")
elif sys.argv[2] == "describe-repositories":
    print(registry + "/" + name)
elif sys.argv[2] == "get-login-password":
    print("password")
elif sys.argv[2] == "describe-images":
    tag = next(word for word in sys.argv if word.startswith("imageTag=")).partition("=")[2]
    asked = urllib.request.Request("http://" + registry + "/v2/" + name + "/manifests/" + tag)
    asked.add_header("Accept", "application/vnd.oci.image.manifest.v1+json")
    asked.add_header("Accept", "{schema}")
    with urllib.request.urlopen(asked) as answer:
        print(answer.headers["Content-Type"], answer.headers["Docker-Content-Digest"], sep="\\t")
"""
DESCRIBE = """#!/bin/sh
echo '{"SupportedHyperParameters": [], "Help": "it isn'"'"'t $5"}'
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of a registry (Debian's docker-registry), which is empty."""
    program = shutil.which("docker-registry")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("docker-registry is not installed, and CI is set")
        pytest.skip("docker-registry is not installed")
    address = f"127.0.0.1:{free_port()}"
    storage = {"filesystem": {"rootdirectory": str(tmp_path / "registry")}}
    (tmp_path / "registry.yml").write_text(
        json.dumps({"version": 0.1, "storage": storage, "http": {"addr": address}, "log": {"level": "error"}})
    )
    with (tmp_path / "registry.log").open("w") as log:
        process = subprocess.Popen([program, "serve", tmp_path / "registry.yml"], stdout=log, stderr=log)
    try:
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"http://{address}/v2/", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < give_up, (tmp_path / "registry.log").read_text()
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_what_is_pushed_arrives_with_its_label(registry: str, docker: str, tmp_path: Path):
    project, programs = tmp_path / "project", tmp_path / "bin"
    (project / "cloud").mkdir(parents=True)
    programs.mkdir()
    shutil.copy(LAYERS / "_shared/build_and_push.sh", project)
    shutil.copy(LAYERS / "_shared/cloud/label.sh", project / "cloud")
    base = (LAYERS / "r/_shared/Dockerfile").read_text().partition("ARG BASE_IMAGE=")[2].splitlines()[0]
    (project / "Dockerfile").write_text(f"FROM {base}\nCOPY describe /usr/bin/describe\n")
    (project / "Makefile").write_text("IMAGE := my-algorithm\n")
    own_aws = AWS.format(python=sys.executable, registry=registry, schema=SCHEMA_2)
    for file, text in ((project / "describe", DESCRIBE), (programs / "aws", own_aws)):
        file.write_text(text)
        file.chmod(0o755)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "first"]):
        run("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", *command, cwd=project)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "DOCKER_CONFIG": str(tmp_path / "docker")}
    environment.pop("BUILD_ARGS", None)
    try:
        pushed = run(project / "build_and_push.sh", "--region", "eu-west-1", env=environment).strip()
        address, _, digest = pushed.partition("@")
        assert address == f"{registry}/my-algorithm"
        manifest = read(f"http://{registry}/v2/my-algorithm/manifests/{digest}")
        assert manifest["mediaType"] == SCHEMA_2
        config = read(f"http://{registry}/v2/my-algorithm/blobs/{manifest['config']['digest']}")
        label = json.loads(config["config"]["Labels"]["sm-algo.describe"])
        assert label == {"SupportedHyperParameters": [], "Help": "it isn't $5"}
        assert config["architecture"] == "amd64"
    finally:
        found = run(docker, "image", "ls", "--quiet", "--filter", f"reference={registry}/my-algorithm").split()
        if found:
            run(docker, "image", "rm", "--force", *found)


def read(url: str) -> dict:
    """Return the content of a registry at an address."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": SCHEMA_2})) as answer:
        return json.load(answer)
