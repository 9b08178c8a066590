"""The docker engine: `docker run IMAGE train` and `docker run IMAGE serve` as SageMaker does it.

Nothing of this machine's disk is mounted. Volumes are filled and emptied with `docker cp`, so no file owned by
root is ever left behind, and daemons in a virtual machine or on another host work as well.
"""

import io
import json
import random
import shutil
import signal
import string
import subprocess
import tarfile
import uuid
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from .. import archive, interrupts
from ..errors import SetupError
from ..job import Job, write_processing
from ..sample import Sample
from .base import Engine, Executable, Process, Program, Run, Server, job_variables, shebang_words
from .docker_cli import LABEL, docker, output_of, remove_all, why_unusable

ML = "/opt/ml"
PORT = 8080
# Docker's name server may leave questions for unknown names unanswered. The resolver's own second try, 5 s later, would
# hide that a program makes none.
IMPATIENT = ("--dns-opt", "timeout:1", "--dns-opt", "attempts:1")
# Prints "pid ppid command" of every process with the shell alone: images often lack `ps`.
LIST_PROCESSES = """
for folder in /proc/[0-9]*; do
    read -r line <"$folder/stat" 2>/dev/null || continue
    rest=${line##*) }; set -- $rest
    [ "$1" = Z ] && continue
    read -r name <"$folder/comm"
    echo "${folder#/proc/} $2 $name"
done"""


def own_name(job: Job) -> str:
    """Return what a host of a job calls itself, which is not what the others call it (T17)."""
    return f"ip-10-0-1-{11 + job.rank}"


class Container(Program):
    """A program in a container."""

    def __init__(self, command: str, container: str):
        self.container = container
        # `docker start --attach` prints the log and ends with the container's exit code.
        popen = subprocess.Popen(
            ["docker", "start", "--attach", container],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
        )
        super().__init__(command, popen)

    def signal(self, number: signal.Signals) -> None:
        docker("kill", "--signal", number.name, self.container, check=False)

    def crash(self) -> None:
        self.signal(signal.SIGKILL)  # the rest of the container goes with its first process

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.container, check=False)
        self.wait(10)
        self.popen.stdout.close()


class ContainerRun(Container, Run):
    """A training job in a container."""

    def checkpoint_files(self) -> list[str]:
        content = docker("cp", f"{self.container}:{ML}/checkpoints", "-", check=False).stdout
        if not content:
            return []
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return [member.name.partition("/")[2] for member in tar if member.isreg() and member.size]

    def collect(self) -> Path:
        if not self.collected.exists():
            for folder in ("model", "output", "checkpoints"):
                content = docker("cp", f"{self.container}:{ML}/{folder}", "-", check=False).stdout
                (self.collected / folder).mkdir(parents=True)
                if content:
                    archive.unpack(io.BytesIO(content), self.collected / folder, strip=folder)
        return self.collected

    def channel_changes(self) -> list[str]:
        return []


class ContainerProcessing(Container):
    """A Processing job in a container."""

    collected: Path

    def collect(self) -> Path:
        """Return a folder with the content of /opt/ml/processing/output (call it once it has ended)."""
        content = docker("cp", f"{self.container}:{ML}/processing/output", "-", check=False).stdout
        self.collected.mkdir(parents=True)
        if content:
            archive.unpack(io.BytesIO(content), self.collected, strip="output")
        return self.collected


class ContainerServer(Container, Server):
    """A server in a container."""

    def processes(self) -> list[Process]:
        listed = docker("exec", "--user", "0", self.container, "sh", "-c", LIST_PROCESSES, check=False).stdout
        lines = [line.split(None, 2) for line in listed.decode("utf-8", "replace").splitlines()]
        found = [Process(int(pid), int(parent), command) for pid, parent, command in lines]
        # The listing shell is a child of no process of the container (parent 0).
        return sorted((one for one in found if one.pid == 1 or one.parent), key=lambda process: process.pid)

    def kill(self, processes: list[Process]) -> str | None:
        pids = " ".join(str(process.pid) for process in processes)
        result = docker("exec", "--user", "0", self.container, "sh", "-c", f"kill -9 {pids}", check=False)
        return result.stderr.decode("utf-8", "replace").strip() or None if result.returncode else None

    def model_changes(self) -> list[str]:
        return []


class DockerEngine(Engine):
    """Starts containers of an image that lies on this machine's daemon."""

    name = "docker"
    mounts_read_only = True
    network_interface = "eth0"

    def __init__(self, image: str, *, gpus: bool = False):
        if reason := why_unusable():
            raise SetupError(f"the docker engine cannot be used: {reason}")
        found = docker("image", "inspect", image, check=False)
        if found.returncode:
            raise SetupError(f"there is no image {image} here. Build it: make build (or docker build -t {image} .)")
        if gpus:
            require_gpus(image)
        super().__init__()
        self.image = self.target = image
        self.devices = ("--gpus", "all") if gpus else ()
        self.details: dict = json.loads(found.stdout)[0]
        self.label = f"{LABEL}={uuid.uuid4().hex}"
        self._model_volumes: dict[tuple[Path, bool], str] = {}
        self._still: str | None = None

    @property
    def config(self) -> dict:
        """The image's configuration: User, Env, Entrypoint, Cmd, Labels."""
        return self.details["Config"]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the image sets."""
        return dict(line.partition("=")[::2] for line in self.config.get("Env") or [])

    @property
    def runs_as_root(self) -> bool:
        """True if the image sets no other user (T7)."""
        return (self.config.get("User") or "root").split(":")[0] in ("0", "root")

    @property
    def cpus(self) -> int:
        """The CPUs of the machine that the containers run on."""
        return int(output_of("info", "--format", "{{.NCPU}}"))

    def executable(self, name: str) -> Executable | None:
        if self.config.get("Entrypoint"):
            raise LookupError(f"the image has the ENTRYPOINT {self.config['Entrypoint']}, which gets '{name}'")
        found = self._on_path(name)
        if found is None:
            return None
        path, member, content = found
        first_line = content.split(b"\n", 1)[0] if content.startswith(b"#!") else b""
        interpreter = next(iter(shebang_words(first_line)), None)
        there = interpreter is None or (
            self.read(interpreter) if interpreter.startswith("/") else self._on_path(interpreter)
        )
        return Executable(path, first_line, interpreter, bool(there), executable=bool(member.mode & 0o111))

    def read(self, path: str) -> tuple[tarfile.TarInfo, bytes] | None:
        """Return a file of the image with its mode, links followed; None if there is none."""
        content = docker("cp", "--follow-link", f"{self._image_content()}:{path}", "-", check=False).stdout
        if not content:
            return None
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            member = tar.next()
            return (member, tar.extractfile(member).read()) if member and member.isreg() else None

    def names_below(self, folder: str) -> list[str]:
        """Return the files that the image has below a folder."""
        content = docker("cp", f"{self._image_content()}:{folder}", "-", check=False).stdout
        if not content:
            return []
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return [str(PurePosixPath(folder).parent / one.name) for one in tar if not one.isdir()]

    def train(self, job: Job, *, checkpoints: Path | None = None, network: bool = True) -> ContainerRun:
        if job.hosts:
            names = ["--network-alias", job.host, "--hostname", own_name(job)]
            return self._train(job, ["--network", self._private_network, *names, *IMPATIENT], checkpoints)
        return self._train(job, [] if network else ["--network", "none"], checkpoints)

    def host_names(self, count: int) -> list[str]:
        suffix = "".join(random.choices(string.ascii_lowercase + string.digits, k=5))
        return [f"algo-{number}-{suffix}" for number in range(1, count + 1)]

    def train_behind_decoys(self, job: Job, count: int) -> list[ContainerRun]:
        """Start a training job on hosts with two interfaces: the others are reached on eth1, eth0 leads nowhere (T16).

        The interfaces are those of a container that is there before: one that joins a network while it runs gets the
        next number for sure. Raises LookupError where the image has no program for that container.
        """
        names = tuple(sorted(self.host_names(count)))
        runs = []
        for name in names:
            one = job.but(host=name, hosts=names, network_interface_name="eth1")
            holder = self._two_interfaces(one)
            runs.append(self._train(one, ["--network", f"container:{holder}"], None))
        return runs

    def _two_interfaces(self, job: Job) -> str:
        """Return a running container with a network of its own as eth0 and the private network as eth1."""
        options = ["--network", self._network(), "--hostname", own_name(job), "--entrypoint", "sleep"]
        holder = self._create(options, "86400")
        if docker("start", holder, check=False).returncode:
            raise LookupError("the image has no `sleep`, which would hold two interfaces")
        docker("network", "connect", "--alias", job.host, self._private_network, holder)
        return holder

    def _train(self, job: Job, network: Sequence[str], checkpoints: Path | None) -> ContainerRun:
        tree = self.folder("train")
        job.write(tree)
        if checkpoints:
            shutil.copytree(checkpoints, tree / "checkpoints")
        everything, channels = self._volume(), self._volume()
        mounts = [f"{everything}:{ML}:nocopy", f"{channels}:{ML}/input/data:nocopy"]
        self._fill(mounts, tree, ML)
        mounts[1] += ",ro" if self.read_only_channels else ""
        variables = job_variables(job, self.cpus)
        options = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        options += [*_volumes(mounts), *network]
        container = self._create(options, "train")
        with interrupts.held():
            run = ContainerRun(" ".join(["docker run", *network, self.image, "train"]), container)
            run.job, run.collected = job, tree / "collected"
            self.programs.append(run)
        return run

    def process(self, sample: Sample) -> ContainerProcessing:
        """Start a Processing job on the sample's files, with the sample's entrypoint (PR1-PR4)."""
        tree = self.folder("processing")
        program, *arguments = sample.processing
        write_processing(tree, sample)
        mounts = [f"{self._volume()}:{ML}:nocopy"]
        self._fill(mounts, tree, ML)
        container = self._create([*_volumes(mounts), "--entrypoint", program], *arguments)
        with interrupts.held():
            command = " ".join(["docker run --entrypoint", program, self.image, *arguments])
            run = ContainerProcessing(command, container)
            run.collected = tree / "collected"
            self.programs.append(run)
        return run

    def serve(
        self,
        model: Path,
        environment: dict[str, str] | None = None,
        *,
        read_only: bool = True,
        port: int = 0,
        options: Sequence[str] = (),
    ) -> ContainerServer:
        """Start a server; `options` are further options of `docker run`. See `Engine.serve`."""
        environment = environment or {}
        inside = environment.get("SAGEMAKER_BIND_TO_PORT", PORT)
        own = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")] + [*options]
        mount = f"{self._model_volume(model, read_only)}:{ML}/model:nocopy" + (",ro" if read_only else "")
        published = ["--publish", f"127.0.0.1:{port}:{inside}"]
        container = self._create([*_volumes([mount]), *published, *own], "serve")
        with interrupts.held():
            server = ContainerServer(" ".join(["docker run", *own, self.image, "serve"]), container)
            self.programs.append(server)
        server.address = ("127.0.0.1", self._published(server, inside))
        return server

    def close(self) -> None:
        remove_all(self.label)
        super().close()

    def _create(self, options: Sequence[str], *command: str) -> str:
        return output_of("create", "--label", self.label, *self.devices, *options, self.image, *command)

    def _volume(self) -> str:
        return output_of("volume", "create", "--label", self.label)

    @cached_property
    def _private_network(self) -> str:
        """The network of training jobs on several hosts."""
        return self._network()

    def _network(self) -> str:
        name = f"local-test-{uuid.uuid4().hex[:8]}"
        output_of("network", "create", "--internal", "--label", self.label, name)
        return name

    def _fill(self, mounts: Sequence[str], tree: Path, target: str) -> None:
        """Copy a folder's content into volumes, through a container that is never started."""
        container = self._create(_volumes(mounts), "train")
        docker("cp", "-", f"{container}:{target}", stdin=archive.pack_tree(tree))
        docker("rm", container)

    def _model_volume(self, model: Path, read_only: bool) -> str:
        """Return a volume with a model. Servers that cannot write to it share one."""
        key = (model, read_only)
        if key not in self._model_volumes or not read_only:
            self._model_volumes[key] = self._volume()
            self._fill([f"{self._model_volumes[key]}:{ML}/model:nocopy"], model, f"{ML}/model")
        return self._model_volumes[key]

    def _published(self, server: ContainerServer, inside: int | str) -> int:
        """Return the local port of a container that is starting; 0 if it ended before it had one."""
        while server.exit_code is None:
            shown = docker("port", server.container, str(inside), check=False).stdout.decode()
            if shown.strip():
                return int(shown.splitlines()[0].rsplit(":", 1)[1])
        return 0

    def _image_content(self) -> str:
        """Return a container that is never started, to read the image's files from."""
        self._still = self._still or self._create([], "train")
        return self._still

    def _on_path(self, name: str) -> tuple[str, tarfile.TarInfo, bytes] | None:
        for folder in self.environment.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":"):
            if found := self.read(f"{folder}/{name}"):
                return f"{folder}/{name}", *found
        return None


def require_gpus(image: str) -> None:
    """Raise SetupError where Docker cannot give a container the machine's GPUs."""
    tried = docker("run", "--rm", "--gpus", "all", "--entrypoint", "true", image, check=False)
    if tried.returncode == 125:  # the daemon's own refusal; an image without `true` gives another code
        said = tried.stderr.decode("utf-8", "replace").strip().splitlines()[0]
        raise SetupError(
            f"Docker gives containers no GPU here ({said}). Install the NVIDIA Container Toolkit, or leave GPU=1 out"
        )


def _volumes(mounts: Sequence[str]) -> list[str]:
    return [word for mount in mounts for word in ("--volume", mount)]
