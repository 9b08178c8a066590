"""build_and_push.sh with an `aws` and a `docker` that only write down how they were called."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from template import LAYERS

SCHEMA_2 = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

DECLARATION = '{"Description": "$5 isn\'t much"}'
LABEL = f"--label sm-algo.describe={DECLARATION}"
DIGEST = f"sha256:{'0' * 64}"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

AWS = """
case "$1 $2" in
"configure get") if [ -n "$FAKE_REGION" ]; then echo "$FAKE_REGION"; else exit 255; fi ;;
"sts get-caller-identity")
	if [ -n "$FAKE_NO_CREDENTIALS" ]; then echo "Unable to locate credentials" >&2; exit 253; fi
	echo 123456789012 ;;
"ecr describe-repositories")
	if [ -n "$FAKE_REFUSAL" ]; then echo "An error occurred ($FAKE_REFUSAL)" >&2; exit 254; fi
	echo "a warning of some library" >&2
	echo "$FAKE_REGISTRY/$6" ;;
"ecr create-repository") echo "$FAKE_REGISTRY/$6" ;;
"ecr get-login-password") echo the-password ;;
"ecr describe-images")
	if [ -n "$FAKE_NO_IMAGE" ]; then echo "An error occurred ($FAKE_NO_IMAGE)" >&2; exit 254; fi
	printf '%s\t%s\n' "$FAKE_MANIFEST" "$FAKE_DIGEST" ;;
esac
"""

DOCKER = """
case "$1 $2" in
"info "*) exit "${FAKE_DOCKER_DOWN:-0}" ;;
"buildx version") exit "${FAKE_NO_BUILDX:-0}" ;;
"login "*) read -r password; echo "stdin $password" >>"$FAKE_LOG" ;;
"build "*) echo "DOCKER_BUILDKIT=$DOCKER_BUILDKIT" >>"$FAKE_LOG" ;;
"run "*)
	if [ -n "$FAKE_NO_DECLARATION" ]; then echo "cannot describe: $FAKE_NO_DECLARATION" >&2; exit 1; fi
	echo "$FAKE_DECLARATION" && exit ;;
esac
echo "output of docker $1"
"""


@dataclass
class Machine:
    """A project in git, and a machine with nothing but the programs that it is given."""

    project: Path
    programs: Path
    log: Path
    environment: dict[str, str] = field(default_factory=dict)

    def install(self, name: str, body: str) -> None:
        """Put a program on PATH that logs its arguments, then runs the body."""
        file = self.programs / name
        file.write_text(f'#!/bin/sh\necho {name} "$@" >>"$FAKE_LOG"\n{body}')
        file.chmod(0o755)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run the script, from another folder than the project's."""
        return subprocess.run(
            ["bash", str(self.project / "build_and_push.sh"), *arguments],
            cwd=self.programs,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        """Run git in the project."""
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.project, env=self.environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    @property
    def commit(self) -> str:
        """The short name of the commit."""
        return self.git("rev-parse", "--short", "HEAD")

    @property
    def builds(self) -> list[str]:
        """The calls that built the image, of which the last one made what is pushed."""
        return [call for call in self.calls if "build --" in call]

    @property
    def calls(self) -> list[str]:
        """What the programs were called with."""
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def bare(tmp_path) -> Machine:
    """A machine with git, without aws and docker; the project is committed."""
    machine = Machine(tmp_path / "project", tmp_path / "bin", tmp_path / "log")
    machine.project.mkdir()
    machine.programs.mkdir()
    for tool in ("bash", "cat", "dirname", "env", "git", "mktemp", "rm", "sed", "sh", "tail", "tr"):
        (machine.programs / tool).symlink_to(shutil.which(tool))
    machine.environment = {
        "PATH": str(machine.programs),
        "HOME": str(tmp_path),
        "FAKE_LOG": str(machine.log),
        "FAKE_MANIFEST": SCHEMA_2,
        "FAKE_DIGEST": DIGEST,
        "FAKE_REGISTRY": REGISTRY,
        "FAKE_DECLARATION": DECLARATION,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    for role in ("AUTHOR", "COMMITTER"):
        machine.environment |= {f"GIT_{role}_NAME": "Test", f"GIT_{role}_EMAIL": "test@example.com"}
    shutil.copy(LAYERS / "_shared/build_and_push.sh", machine.project)
    (machine.project / "cloud").mkdir()
    shutil.copy(LAYERS / "_shared/cloud/label.sh", machine.project / "cloud")
    (machine.project / "Dockerfile").write_text("FROM scratch\n")
    (machine.project / "Makefile").write_text("IMAGE := my-algorithm\n")
    machine.git("init", "--quiet")
    machine.git("add", "--all")
    machine.git("commit", "--quiet", "--message", "first")
    return machine


@pytest.fixture
def machine(bare) -> Machine:
    """A machine with aws, docker and a region."""
    bare.install("aws", AWS)
    bare.install("docker", DOCKER)
    bare.environment["AWS_REGION"] = "eu-west-1"
    return bare


def refusal(result: subprocess.CompletedProcess) -> str:
    """Return the one line that says why the script ended."""
    assert result.returncode == 1
    assert result.stdout == ""
    return result.stderr.strip().splitlines()[-1].removeprefix("build_and_push.sh: ")


def test_it_builds_pushes_and_checks(machine):
    result = machine.run()
    image = f"{REGISTRY}/my-algorithm:{machine.commit}"
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{REGISTRY}/my-algorithm@{DIGEST}\n"  # and nothing that docker printed
    assert result.stderr.endswith(f"pushed {image}\n")
    build = f"docker buildx build --provenance=false --sbom=false --platform linux/amd64 --tag {image}"
    check = (
        "aws ecr describe-images --region eu-west-1 --repository-name my-algorithm "
        f"--image-ids imageTag={machine.commit} "
        "--query imageDetails[0].[imageManifestMediaType,imageDigest] --output text"
    )
    assert machine.calls[-4:] == [
        f"{build} --load .",
        f"docker run --rm --network none {image} describe",
        f"{build} {LABEL} --output type=image,push=true,oci-mediatypes=false .",
        check,
    ]
    assert not [call for call in machine.calls if "create-repository" in call]


def test_the_login_keeps_the_password_off_the_command_line(machine):
    machine.run()
    assert "aws ecr get-login-password --region eu-west-1" in machine.calls
    login = "docker login --username AWS --password-stdin 123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    assert login in machine.calls
    assert "stdin the-password" in machine.calls


def test_latest_is_a_second_tag(machine):
    assert machine.run("--latest").returncode == 0
    build = machine.builds[-1]
    repository = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-algorithm"
    assert f" --tag {repository}:{machine.commit} --tag {repository}:latest --label " in build


@pytest.mark.parametrize("builder", ["buildx", "classic"])
def test_gpu_is_built_with_its_packages_and_tagged_by_its_name(machine, builder):
    (machine.project / "requirements-gpu.txt").write_text("torch\n")
    machine.git("add", "--all")
    machine.git("commit", "--quiet", "--message", "gpu")
    result = machine.run("--gpu", "--latest", FAKE_NO_BUILDX="1" if builder == "classic" else "0")
    repository = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-algorithm"
    tag = f"{machine.commit}-gpu"
    assert result.stderr.endswith(f"pushed {repository}:{tag}\n"), result.stderr
    build = machine.builds[-1]
    assert f" --build-arg DEVICE=gpu --tag {repository}:{tag} --tag {repository}:latest-gpu --label " in build
    assert f"--image-ids imageTag={tag} " in machine.calls[-1]


def test_gpu_needs_a_framework_that_can_use_them(machine):
    assert refusal(machine.run("--gpu")) == (
        "--gpu: there is no requirements-gpu.txt, for this framework computes on CPUs: leave --gpu out"
    )
    assert not machine.calls


@pytest.mark.parametrize("builder", ["buildx", "classic"])
def test_build_args_are_taken_from_the_environment(machine, builder):
    build_args = "--build-arg BASE_IMAGE=mirror/python:3.13 --no-cache"
    machine.run(BUILD_ARGS=build_args, FAKE_NO_BUILDX="1" if builder == "classic" else "0")
    build = machine.builds[-1]
    assert f" --platform linux/amd64 {build_args} --tag " in build


def test_without_buildx_the_classic_builder_is_used(machine):
    assert machine.run("--latest", FAKE_NO_BUILDX="1").returncode == 0
    repository = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-algorithm"
    tags = [f"{repository}:{machine.commit}", f"{repository}:latest"]
    build = f"docker build --platform linux/amd64 --tag {tags[0]} --tag {tags[1]}"
    assert machine.calls[-8:-1] == [
        f"{build} .",
        "DOCKER_BUILDKIT=0",
        f"docker run --rm --network none {tags[0]} describe",
        f"{build} {LABEL} .",
        "DOCKER_BUILDKIT=0",
        f"docker push {tags[0]}",
        f"docker push {tags[1]}",
    ]


@pytest.mark.parametrize("builder", ["buildx", "classic"])
def test_what_declares_nothing_is_pushed_without_a_label(machine, builder):
    """So is what cannot run on this machine: an image for another platform."""
    result = machine.run(FAKE_NO_DECLARATION="no Hyperparameters", FAKE_NO_BUILDX="1" if builder == "classic" else "0")
    image = f"{REGISTRY}/my-algorithm:{machine.commit}"
    assert result.stdout == f"{REGISTRY}/my-algorithm@{DIGEST}\n"
    assert f"{image} gets no label of what it declares: cannot describe: no Hyperparameters\n" in result.stderr
    assert not [call for call in machine.calls if "--label" in call]
    assert [call for call in machine.calls if "push=true" in call or call == f"docker push {image}"]


def test_a_tag_may_take_the_place_of_the_commit(machine):
    shutil.rmtree(machine.project / ".git")
    assert machine.run("--tag", "v1.2").stderr.endswith(f"pushed {REGISTRY}/my-algorithm:v1.2\n")
    assert refusal(machine.run("--tag", "a b")).startswith("--tag 'a b': a tag has letters")


@pytest.mark.parametrize("manifest", [OCI, OCI_INDEX])
def test_a_manifest_that_sagemaker_refuses_is_an_error(machine, manifest):
    line = refusal(machine.run(FAKE_MANIFEST=manifest))
    assert "CreateModel will refuse" in line and manifest in line and "install docker buildx" in line


def test_a_missing_repository_is_created_and_scanned(machine):
    machine.run(FAKE_REFUSAL="RepositoryNotFoundException")
    create = "aws ecr create-repository --region eu-west-1 --repository-name my-algorithm"
    found = " --query repository.repositoryUri --output text"
    assert f"{create} --image-scanning-configuration scanOnPush=true{found}" in machine.calls
    machine.run("--immutable", "--kms-key", "alias/k", FAKE_REFUSAL="RepositoryNotFoundException")
    more = "--image-tag-mutability IMMUTABLE --encryption-configuration encryptionType=KMS,kmsKey=alias/k"
    assert f"{create} --image-scanning-configuration scanOnPush=true {more}{found}" in machine.calls


def test_an_image_that_did_not_arrive_is_an_error(machine):
    line = refusal(machine.run(FAKE_NO_IMAGE="ImageNotFoundException"))
    assert line.startswith("the push seemed to work, but ECR has no image my-algorithm:") and "lifecycle" in line
    line = refusal(machine.run(FAKE_NO_IMAGE="AccessDeniedException"))
    assert "AccessDeniedException" in line and "ecr:DescribeImages" in line


def test_arm64_is_another_platform_and_needs_buildx(machine):
    result = machine.run("--arm64")
    assert result.stderr.endswith(f":{machine.commit}-arm64\n")
    build = machine.builds[-1]
    assert f" --platform linux/arm64 --tag {REGISTRY}/my-algorithm:{machine.commit}-arm64 --label " in build
    assert refusal(machine.run("--arm64", FAKE_NO_BUILDX="1")).startswith("docker buildx is missing")


def test_build_args_are_quoted_as_for_make(machine):
    machine.install("docker", DOCKER + 'for word; do echo "<$word>" >>"$FAKE_LOG"; done\n')
    machine.run(BUILD_ARGS="--label 'two words' --build-arg X=\"a b\"")
    assert {"<two words>", "<X=a b>"} <= set(machine.calls)


def test_a_repository_that_may_not_be_looked_for_is_an_error(machine):
    line = refusal(machine.run(FAKE_REFUSAL="AccessDeniedException"))
    assert "AccessDeniedException" in line and "ecr:DescribeRepositories" in line
    assert not [call for call in machine.calls if "create-repository" in call or "build --prov" in call]


@pytest.mark.parametrize("repository", ["my", "team/my-algorithm", "a__b.c-d--e", "a" * 256])
def test_good_repository_names(machine, repository):
    assert machine.run(repository).stdout == f"{REGISTRY}/{repository}@{DIGEST}\n"


@pytest.mark.parametrize("repository", ["a", "My", "a_-b", "a//b", "/a", "a/", "a b", "a:b", "a" * 257, "$(touch x)"])
def test_bad_repository_names(machine, repository):
    line = refusal(machine.run(repository))
    assert repository in line and "2 to 256" in line
    assert not machine.calls


@pytest.mark.parametrize(
    "registry", ["123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "123456789012.dkr-ecr.eu.on.aws", "127.0.0.1:5000"]
)
def test_the_address_is_what_ecr_says(machine, registry):
    """Its form differs from partition to partition, and may change."""
    result = machine.run("--region", "cn-north-1", FAKE_REGISTRY=registry)
    assert result.stdout == f"{registry}/my-algorithm@{DIGEST}\n"
    assert f"docker login --username AWS --password-stdin {registry}" in machine.calls


def test_the_region_is_the_option_the_environment_or_the_profile(machine):
    default = {"AWS_DEFAULT_REGION": "us-east-2", "FAKE_REGION": "us-east-1"}

    def asked(*arguments: str, **environment: str) -> str:
        assert machine.run(*arguments, **environment).returncode == 0
        return machine.calls[-1]

    assert "--region us-west-2 " in asked("--region", "us-west-2", **default)
    assert "--region eu-west-1 " in asked(**default)
    del machine.environment["AWS_REGION"]
    assert "--region us-east-2 " in asked(**default)
    assert "--region us-east-1 " in asked(FAKE_REGION="us-east-1")
    assert refusal(machine.run()) == "no AWS region: give --region, or set AWS_REGION"


@pytest.mark.parametrize("name", ["Dockerfile", "new.py"])
def test_changes_that_are_not_committed_show_in_the_tag(machine, name):
    (machine.project / name).write_text("# changed\n")
    result = machine.run()
    assert result.stderr.endswith(f":{machine.commit}-dirty\n")
    assert "changes that are not committed" in result.stderr


@pytest.mark.parametrize("state", ["no repository", "no commit", "ignored by a repository around it"])
def test_a_project_that_is_not_committed_is_an_error(machine, state):
    shutil.rmtree(machine.project / ".git")
    if state == "no commit":
        machine.git("init", "--quiet")
        machine.git("add", "--all")
    elif state.startswith("ignored"):
        around = Machine(machine.project.parent, machine.programs, machine.log, machine.environment)
        (around.project / ".gitignore").write_text("project\nbin\n")
        around.git("init", "--quiet")
        around.git("add", "--all")
        around.git("commit", "--quiet", "--message", "around")
    assert refusal(machine.run()).startswith("this project is not committed to git")


def test_no_aws_command(bare):
    bare.install("docker", DOCKER)
    assert refusal(bare.run("--region", "eu-west-1")).startswith("the aws command is not installed")


def test_no_docker(bare):
    bare.install("aws", AWS)
    assert refusal(bare.run("--region", "eu-west-1")).startswith("docker is not installed")


def test_docker_that_is_not_running(machine):
    assert refusal(machine.run(FAKE_DOCKER_DOWN="1")) == "Docker is not running: start it, then run this again"


def test_no_credentials(machine):
    result = machine.run(FAKE_NO_CREDENTIALS="1")
    assert refusal(result).startswith("no valid AWS credentials: run aws configure")
    assert "Unable to locate credentials" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["--unknown"], ["one", "two"], ["--region"], ["--kms-key"], ["--tag"], ["--latest", "--immutable"]]
)
def test_bad_arguments(machine, arguments):
    assert refusal(machine.run(*arguments))
    assert not machine.calls


def test_help_says_where_the_repository_comes_from(bare):
    result = bare.run("--help")
    assert result.returncode == 0
    assert "Default: IMAGE in the Makefile" in result.stdout


def test_a_dry_run_needs_nothing_and_runs_nothing(bare):
    result = bare.run("--dry-run")
    assert result.returncode == 0, result.stderr
    *commands, image = result.stdout.splitlines()
    assert all(command.startswith("+ ") for command in commands)
    assert image == f"ACCOUNT.dkr.ecr.REGION.amazonaws.com/my-algorithm:{bare.commit}"


@pytest.mark.parametrize("builder", ["buildx", "classic"])
def test_a_dry_run_prints_every_command_of_a_run(machine, builder):
    environment = {
        "FAKE_NO_BUILDX": "1" if builder == "classic" else "0",
        "FAKE_REFUSAL": "RepositoryNotFoundException",
        "FAKE_DECLARATION": "DECLARATION",
    }
    shown = (
        machine.run("--dry-run", "--latest", **environment).stdout.replace("ACCOUNT", "123456789012").replace("\\", "")
    )
    looked = [call for call in machine.calls if call not in ("docker buildx version",)]
    assert not looked
    machine.run("--latest", **environment)
    calls = [call for call in machine.calls if call.startswith(("aws", "docker"))]
    for call in set(calls) - {"docker buildx version", "docker info"}:
        assert re.sub("docker run .+ (.+) describe", r"cloud/label.sh \1", call) in shown
