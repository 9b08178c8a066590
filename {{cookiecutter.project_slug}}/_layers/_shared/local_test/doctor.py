"""Looks for what usually goes wrong: "why did ping fail", "why does it not build"."""

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .contract import PORT
from .edited import edited
from .engines import why_no_docker
from .engines.base import shebang_words
from .engines.process import ProcessEngine
from .errors import SetupError
from .exchange import listening
from .origin import commit, version
from .platforms import GRAVITON, GRAVITON_ONLY, SAGEMAKER
from .sample import load

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

GIGABYTE = 1024**3
DISK_NEEDED = 5 * GIGABYTE  # an image, its layers, and the model
SCRIPTS = ("runtime/train", "runtime/serve", "runtime/describe", "build_and_push.sh", "local_test/*.sh", "cloud/*.sh")
LOG_LINES = 15
REGION = re.compile(r"^\s*region\s*=\s*\S", re.MULTILINE)
BASE_IMAGE = re.compile(r"^ARG BASE_IMAGE=(\S+)", re.MULTILINE)
REGISTRY_SECONDS = 3.0
SIGNS = {True: "✓", False: "✗", None: "\N{EN DASH}"}


@dataclass(frozen=True)
class Finding:
    """What the doctor found out about one thing; `ok` None means: for information."""

    ok: bool | None
    text: str


def hint(fine: bool, good: str, otherwise: str) -> Finding:
    """Return a finding that is good, or for information."""
    return Finding(True, good) if fine else Finding(None, otherwise)


def examine(project: Path, sample_folder: Path, engine: str | None, image: str | None, wanted: str) -> int:
    """Print all findings; return 1 if something is wrong, else 0. The image should be for the platform `wanted`."""
    reason = why_no_docker()
    checks: list[Iterable[Finding]] = [machine(), sample(sample_folder), scripts(project)]
    checks += [origin(project), template(project)]
    if engine == "docker" or (engine is None and not reason):
        checks.append([Finding(False, reason)] if reason else containers(image, wanted))
    else:
        checks.append(processes(project, reason))
    checks.append(on_the_way_to_sagemaker(project, docker=not reason))
    wrong = 0
    for finding in (finding for findings in checks for finding in findings):
        wrong += finding.ok is False
        print(f"{SIGNS[finding.ok]} {finding.text}")
    print(f"\n{wrong} wrong" if wrong else "\nNothing wrong was found.")
    return 1 if wrong else 0


def machine() -> Iterator[Finding]:
    """Look at Python, the disk, the processor, the port."""
    yield Finding(True, f"Python {platform.python_version()} ({sys.executable})")
    free = shutil.disk_usage(Path.cwd()).free
    yield Finding(
        free > DISK_NEEDED,
        f"{free / GIGABYTE:.0f} GB of disk are free"
        + ("" if free > DISK_NEEDED else "; images need more. Remove old ones: docker system prune"),
    )
    yield processor()
    busy = listening(("127.0.0.1", PORT))
    yield Finding(
        None if busy else True,
        f"port {PORT} is "
        + (f'busy: either `make serve` is running, or try make serve ARGS="--port {PORT + 1}"' if busy else "free"),
    )


def processor() -> Finding:
    """Say which platform to choose where this machine's processor is not that of SageMaker's instances."""
    own = platform.machine()
    return hint(
        own.lower() not in ("arm64", "aarch64"),
        f"this machine is {own}",
        f"this machine is {own} and SageMaker's instances are amd64. PLATFORM={SAGEMAKER}, the default: the image "
        f"trains and serves on SageMaker, and is emulated here, which takes longer. PLATFORM={GRAVITON}: it is built "
        f"and run here without emulation; {GRAVITON_ONLY}",
    )


def sample(folder: Path) -> Iterator[Finding]:
    """Look at sample.toml and its files."""
    try:
        found = load(folder)
        yield Finding(True, f"sample.toml has {len(found.channels)} channels and {len(found.requests)} requests")
    except SetupError as error:
        yield Finding(False, str(error))


def scripts(project: Path) -> Iterator[Finding]:
    """Look at the line endings, first lines and mode bits of what the container starts."""
    for file in sorted(file for pattern in SCRIPTS for file in project.glob(pattern)):
        name, content = file.relative_to(project), file.read_bytes()
        if b"\r\n" in content:
            yield Finding(False, f"{name} has Windows line endings; correct them: sed -i.bak 's/\\r$//' {name}")
        elif not shebang_words(content.split(b"\n", 1)[0]):
            yield Finding(False, f"{name} does not begin with #! and its interpreter")
        else:
            yield Finding(True, f"{name} has Unix line endings and a #! line")
        if not os.access(file, os.X_OK):
            yield Finding(None, f"{name} is not executable here; the image sets that bit itself")


def origin(project: Path) -> Iterator[Finding]:
    """Say which version of the template the project has, and which commit, where cruft made it."""
    try:
        yield Finding(True, f"the template's version is {version(project)}")
    except SetupError as error:
        yield Finding(False, str(error))
    try:
        found = commit(project)
    except SetupError as error:
        yield Finding(False, str(error))
    else:
        yield hint(
            found is not None,
            f"the template's commit is {found}",
            "there is no .cruft.json: cruft update works once README.md's cruft link has been run",
        )


def template(project: Path) -> Iterator[Finding]:
    """Look at the files that an update of the template may change."""
    names = edited(project)
    yield hint(
        not names,
        "the template's own files are unedited",
        f"the template's own files were edited: {', '.join(names)}; an update of the template may conflict with that. "
        "README.md says which files are yours",
    )


def on_the_way_to_sagemaker(project: Path, *, docker: bool) -> Iterator[Finding]:
    """Look at what ./build_and_push.sh and the cloud-… targets need; all else works without it."""
    home, given = Path.home() / ".aws", os.environ
    keys = "AWS_ACCESS_KEY_ID" in given or "AWS_PROFILE" in given or (home / "credentials").exists()
    found = keys or (home / "config").exists()
    yield hint(
        found,
        "AWS credentials are set up; make cloud-check tries them",
        "no AWS credentials: the cloud-… targets need some (aws configure), or LOCAL=1",
    )
    region = given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION")
    settings = [file.read_text() for file in (project / "sagemaker.toml", home / "config") if file.exists()]
    if found and not region and not any(REGION.search(text) for text in settings):
        yield Finding(None, "no AWS region: set region under [aws] in sagemaker.toml")
    if docker and not shutil.which("docker"):
        yield Finding(None, "the docker command is not installed: make build and build_and_push.sh need it")
    elif docker:
        yield hint(
            subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode == 0,
            "docker buildx is installed",
            "docker buildx is missing: build_and_push.sh makes amd64 images by the classic builder",
        )
        yield registry(project)
    if (project / "requirements-gpu.txt").exists():
        gpu, has = shutil.which("nvidia-smi") is not None, "this machine has"
        yield hint(gpu, f"{has} an NVIDIA GPU: GPU=1 uses it", f"{has} no NVIDIA GPU: leave GPU=1 out")


def registry(project: Path) -> Finding:
    """Try to reach the registry of the base image."""
    base = BASE_IMAGE.search((project / "Dockerfile").read_text())
    host = base[1].partition("/")[0] if base and "." in base[1].partition("/")[0] else "registry-1.docker.io"
    try:
        socket.create_connection((host, 443), timeout=REGISTRY_SECONDS).close()
    except OSError as error:
        return Finding(None, f"the registry of the base image, {host}, cannot be reached: {error}")
    return Finding(True, f"the registry of the base image, {host}, can be reached")


def processes(project: Path, reason: str | None) -> Iterator[Finding]:
    """Look at what the process engine needs."""
    yield Finding(None, f"no Docker: {reason}" if reason else "Docker works too (ENGINE=docker)")
    try:
        ProcessEngine(project).close()
        yield Finding(True, "train and serve can be started as local processes")
    except SetupError as error:
        yield Finding(False, str(error))
    yield from borrowed(project)
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    how = "apt-get install nginx (Debian, Ubuntu) or brew install nginx (macOS)"
    yield Finding(bool(found), f"nginx, which serve needs, is {'installed' if found else f'not installed: {how}'}")


def borrowed(project: Path) -> Iterator[Finding]:
    """Look for shared libraries of this machine that the algorithm loads and that the image will lack.

    This covers Python on Linux; R's packages bring their libraries with them.
    """
    python, named, maps = project / ".venv/bin/python", project / "system-packages.txt", Path("/proc/self/maps")
    if not (python.exists() and named.exists() and maps.exists()):
        return
    program = f"import algorithm; print(open('{maps}').read())"
    loaded = subprocess.run([python, "-c", program], cwd=project, capture_output=True, text=True, check=False).stdout
    files = {line.rpartition("/")[2] for line in loaded.splitlines()}
    packages = {word for line in named.read_text().splitlines() for word in line.partition("#")[0].split()}
    for line in (project / "runtime/libraries.txt").read_text().splitlines():
        library, _, package = line.partition(" ")
        if package not in packages and any(f"{file}.".startswith(f"{library}.") for file in files):
            yield Finding(
                None,
                f"the algorithm uses {library} of this machine: for the image, system-packages.txt must name {package}",
            )


def containers(image: str | None, wanted: str) -> Iterator[Finding]:
    """Look at Docker, the image, and containers and networks that were left behind."""
    from .engines.daemon import LABEL, connect  # late: a machine without the docker SDK has a doctor, too

    client = connect()
    yield Finding(True, f"the Docker daemon answers (version {client.version()['Version']})")
    if image:
        yield image_finding(client, image, wanted)
    ours = {"label": LABEL}
    left = client.containers.list(all=True, filters=ours)
    yield leftovers("containers", [one.short_id for one in left], "docker rm --force --volumes")
    yield leftovers("networks", [one.name for one in client.networks.list(filters=ours)], "docker network rm")
    for last in client.containers.list(all=True, limit=1):
        yield Finding(None, f"the last container: {described(last)}")
    client.close()


def described(container: "Container") -> str:
    """Return a container's id, image, status and the end of its log. One that a failed build has left keeps none."""
    from docker.errors import APIError

    try:
        log = container.logs(tail=LOG_LINES).decode("utf-8", "replace").strip()
    except APIError as error:
        log = f"its log cannot be read: {error.explanation}"
    return f"{container.short_id} {container.attrs['Config']['Image']} {container.status}\n{log}"


def leftovers(kind: str, left: list[str], removing: str) -> Finding:
    """Report what a killed local_test has left; `removing` is a docker command."""
    if not left:
        return Finding(True, f"local_test left no {kind} behind")
    what = f"local_test left {len(left)} {kind} behind; if none is running now, remove them"
    return Finding(None, f"{what}: {removing} {' '.join(left)}")


def image_finding(client: "DockerClient", image: str, wanted: str) -> Finding:
    """Look whether the image exists, and is for the platform that is wanted."""
    from docker.errors import ImageNotFound

    try:
        details = client.images.get(image).attrs
    except ImageNotFound:
        return Finding(False, f"there is no image {image}; build it: make build")
    built_for = f"{details['Os']}/{details['Architecture']}"
    size = details["Size"] / GIGABYTE
    if built_for != wanted:
        return Finding(False, f"the image {image} is for {built_for}; build it again: make build PLATFORM={wanted}")
    return Finding(True, f"the image {image} exists: {built_for}, {size:.1f} GB")
