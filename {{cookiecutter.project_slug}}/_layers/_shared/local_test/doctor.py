"""Looks for what usually goes wrong: "why did ping fail", "why does it not build"."""

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .engines.base import shebang_words
from .engines.docker_cli import LABEL, docker, output_of, why_unusable
from .engines.process import ProcessEngine
from .errors import SetupError
from .exchange import listening
from .sample import load

GIGABYTE = 1024**3
DISK_NEEDED = 5 * GIGABYTE  # an image, its layers, and the model
PORT = 8080
SCRIPTS = ("runtime/train", "runtime/serve", "build_and_push.sh", "local_test/*.sh")
LOG_LINES = 15
SIGNS = {True: "✓", False: "✗", None: "\N{EN DASH}"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `ok` None means: for information."""

    ok: bool | None
    text: str


def examine(project: Path, engine: str | None, image: str | None) -> int:
    """Print all findings; return 1 if something is wrong, else 0."""
    reason = why_unusable()
    checks = [machine(), sample(), scripts(project)]
    if engine == "docker" or (engine is None and not reason):
        checks.append([Finding(False, reason)] if reason else containers(image))
    else:
        checks.append(processes(project, reason))
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
    arm = platform.machine().lower() in ("arm64", "aarch64")
    yield Finding(
        None if arm else True,
        f"this machine is {platform.machine()}"
        + ("; SageMaker's are amd64, so build with: docker build --platform linux/amd64" if arm else ""),
    )
    busy = listening(("127.0.0.1", PORT))
    yield Finding(
        None if busy else True,
        f"port {PORT} is "
        + ("busy: either `make serve` is running, or another program that must end first" if busy else "free"),
    )


def sample() -> Iterator[Finding]:
    """Look at sample.toml and its files."""
    try:
        found = load()
        found.channel_folders()
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


def processes(project: Path, reason: str | None) -> Iterator[Finding]:
    """Look at what the process engine needs."""
    yield Finding(None, f"no Docker: {reason}" if reason else "Docker works too (ENGINE=docker)")
    try:
        ProcessEngine(project).close()
        yield Finding(True, "train and serve can be started as local processes")
    except SetupError as error:
        yield Finding(False, str(error))


def containers(image: str | None) -> Iterator[Finding]:
    """Look at Docker, the image, and what containers and networks were left behind."""
    version = output_of("version", "--format", "{{.Server.Version}}")
    yield Finding(True, f"the Docker daemon answers (version {version})")
    if image:
        yield image_finding(image)
    yield leftovers("containers", ["ps", "--all"], "docker rm --force --volumes")
    yield leftovers("networks", ["network", "ls"], "docker network rm")
    last = output_of("ps", "--all", "--latest", "--format", "{{.ID}} {{.Image}} {{.Status}}")
    if last:
        logs = docker("logs", "--tail", str(LOG_LINES), last.split()[0], check=False)
        text = (logs.stdout + logs.stderr).decode("utf-8", "replace").strip()
        yield Finding(None, f"the last container: {last}\n{text}")


def leftovers(kind: str, listing: list[str], removing: str) -> Finding:
    """Look for what a local_test that was killed has left; `listing` and `removing` are docker commands."""
    left = output_of(*listing, "--quiet", "--filter", f"label={LABEL}").split()
    if not left:
        return Finding(True, f"no {kind} of local_test were left behind")
    what = f"{len(left)} {kind} of local_test are there; if no local_test is running, remove them"
    return Finding(None, f"{what}: {removing} {' '.join(left)}")


def image_finding(image: str) -> Finding:
    """Look at the image: there, and for the right processor."""
    found = docker("image", "inspect", image, check=False)
    if found.returncode:
        return Finding(False, f"there is no image {image}; build it: make build")
    details = json.loads(found.stdout)[0]
    built_for = f"{details['Os']}/{details['Architecture']}"
    size = details["Size"] / GIGABYTE
    if built_for != "linux/amd64":
        return Finding(False, f"the image {image} is for {built_for}; build with: docker build --platform linux/amd64")
    return Finding(True, f"the image {image} is there: {built_for}, {size:.1f} GB")
