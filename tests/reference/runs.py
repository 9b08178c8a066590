"""Runs local_test on the reference, sound or with a mistake, as local processes or as an image."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import uuid
import xml.etree.ElementTree as ET
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from docker import DockerClient, from_env
from docker.errors import ImageNotFound
from template import LAYERS

from hooks.post_gen_project import STRAY

from .mistakes import Mistake

REFERENCE = Path(__file__).parent
LABEL = "sm-algo-test.defects"  # on the images that are built here
LIMIT = 180  # seconds that a run may take
IGNORED = shutil.ignore_patterns(*STRAY)


@dataclass
class Outcome:
    """The outcome of a run: the checks that failed, in order, with their messages; why others were skipped."""

    output: str
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def read(self, junit: Path) -> None:
        """Add what a junit file says."""
        for case in ET.parse(junit).iterfind(".//testcase[@name]"):  # one that was interrupted has none
            name = case.attrib["name"]
            if (wrong := case.find("failure")) is not None or (wrong := case.find("error")) is not None:
                self.failed[name] = wrong.text or ""
            elif (skipped := case.find("skipped")) is not None:
                self.skipped[name] = skipped.attrib["message"]
            else:
                self.passed.append(name)


class Suite:
    """A folder with local_test and nothing else. `waits` are the options that make a run short."""

    waits: tuple[str, ...] = ("--stop-within", "3")

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(LAYERS / "_shared/local_test", folder / "local_test", ignore=IGNORED)

    def local_test(self, *arguments: str, expected: int | None = None) -> Outcome:
        """Run local_test. `expected` is its exit status (None: 1 if a check fails, else 0)."""
        junit = self.folder / "local_test/junit.xml"
        junit.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", *arguments, *self.waits]
        # local_test's own environment has no plugins, and the options are not meant for it.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        ran = subprocess.run(
            command,
            cwd=self.folder,
            env=environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        outcome = Outcome(ran.stdout + ran.stderr)
        if junit.exists():
            outcome.read(junit)
        assert ran.returncode == (bool(outcome.failed) if expected is None else expected), outcome.output
        return outcome


class Project(Suite):
    """A folder with the reference's programs and local_test, as in a generated project."""

    waits = ("--short-waits",)  # the reference answers at once

    def __init__(self, folder: Path):
        super().__init__(folder)
        shutil.copytree(REFERENCE / "sample", folder / "sample", ignore=IGNORED)
        (folder / ".venv/bin").mkdir(parents=True)
        (folder / ".venv/bin/python3").symlink_to(sys.executable)

    def make(self, mistake: Mistake | None) -> None:
        """Let the programs make a mistake (None: be sound)."""
        runtime = self.folder / "runtime"
        shutil.copytree(REFERENCE / "runtime", runtime, ignore=IGNORED, dirs_exist_ok=True)
        (runtime / "defect").write_text(mistake.defect if mistake else "")
        if mistake and mistake.shell:
            subprocess.run(mistake.shell, shell=True, cwd=runtime, check=True)


class Images:
    """Images of the reference: the sound one, and one on top of it for each mistake."""

    def __init__(self) -> None:
        self.client: DockerClient = from_env()
        self.labels = {LABEL: uuid.uuid4().hex}
        self.built: dict[Mistake | None, str] = {}
        self.sound = self._build(None, path=str(REFERENCE))

    def of(self, mistake: Mistake | None) -> str:
        """Return the image with a mistake (None: the sound one)."""
        if mistake is None or not mistake.instruction:
            return self.sound
        if mistake not in self.built:
            dockerfile = f"FROM {self.sound}\n{mistake.instruction}\n"
            context = archive({"Dockerfile": dockerfile, "defect": mistake.defect})
            self._build(mistake, fileobj=context, custom_context=True)
        return self.built[mistake]

    def _build(self, mistake: Mistake | None, **what) -> str:
        image, _ = self.client.images.build(labels=self.labels, rm=True, **what)
        self.built[mistake] = image.id
        return image.id

    def remove(self) -> None:
        """Remove all of them, the sound one last, and the containers of a run that lost its daemon."""
        (label,) = (f"{name}={value}" for name, value in self.labels.items())
        self.client.containers.prune(filters={"label": label})
        for image in reversed(self.built.values()):
            with suppress(ImageNotFound):  # it went with the last image on top of it
                self.client.images.remove(image, force=True)
        self.client.close()


def archive(files: dict[str, str]) -> io.BytesIO:
    """Return a tar of text files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    buffer.seek(0)
    return buffer
