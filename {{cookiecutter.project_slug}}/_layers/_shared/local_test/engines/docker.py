"""The docker engine: `docker run IMAGE train` and `docker run IMAGE serve`, as on SageMaker.

Nothing of this machine's disk is mounted. Volumes are filled and emptied with archives, so no file owned by root is
ever left behind, and daemons in a virtual machine or on another host work as well.
"""

import io
import random
import shutil
import string
import tarfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from signal import SIGKILL, Signals
from typing import Any, TypeVar

from docker import DockerClient
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import DeviceRequest, Mount
from requests import RequestException

from .. import archive, interrupts
from ..contract import ML, PORT
from ..errors import EngineLost, SetupError
from ..job import Job
from .base import (
    UNCONSTRAINED,
    Constraints,
    Engine,
    Executable,
    Process,
    ProcessingRun,
    Program,
    Run,
    Server,
    job_variables,
    shebang_words,
)
from .daemon import LABEL, connect, lost, remove_all

# Docker's name server may leave queries for unknown names unanswered. The resolver would repeat a query 5 s later, and
# hide that a program does not.
IMPATIENT = ["timeout:1", "attempts:1"]
# Docker's name server forwards unknown names to this address, where nobody listens in the container. While it waits for
# an answer from a real server, for 4 s, it does not notice that the container has ended.
NOBODY = "127.0.0.1"
# Prints "pid ppid state command" of every process with the shell alone: images often lack `ps`.
LIST_PROCESSES = """
for folder in /proc/[0-9]*; do
    read -r line <"$folder/stat" 2>/dev/null || continue
    rest=${line##*) }; set -- $rest
    [ "$1" = Z ] && continue
    read -r name <"$folder/comm"
    echo "${folder#/proc/} $2 $1 $name"
done"""
PROMISES = "sm-algo.promises"  # the label of images that promise more than SageMaker requires
REMOVED = 128 + SIGKILL  # the exit code of a container that was removed while it ran


def own_name(job: Job) -> str:
    """Return what a host of a job calls itself, which is not what the others call it (T17)."""
    return f"ip-10-0-1-{11 + job.rank}"


def host_options(job: Job) -> dict:
    """Return what the container of one of several hosts is made with."""
    return {"hostname": own_name(job), "dns": [NOBODY], "dns_opt": IMPATIENT}


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream that comes in pieces; it may break off with the daemon."""
    rest = b""
    try:
        for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
    except OSError:
        pass  # the caller of exit_code learns that the daemon is gone
    if rest:
        yield rest


def exit_code_of(container: Container) -> int:
    """Wait until a container has ended, however long that takes; return its exit code. Raises EngineLost."""
    try:
        return container.wait(timeout=None)["StatusCode"]
    except NotFound:
        return REMOVED
    except RequestException as error:  # the daemon went away while it was being waited for
        raise lost(error) from error


def content_of(container: Container, path: str) -> bytes:
    """Return a file or folder of a container as a tar; nothing if it is not there. Raises EngineLost."""
    try:
        chunks, _ = container.get_archive(path)
        return b"".join(chunks)
    except NotFound:
        return b""


class ContainerProgram(Program):
    """A program in a container."""

    def __init__(self, command: str, container: Container, output: Iterable[bytes]):
        super().__init__(command, lines_of(output), partial(exit_code_of, container))
        self.container = container

    def processes(self) -> list[Process]:
        try:
            listed = self.container.exec_run(["sh", "-c", LIST_PROCESSES], user="0").output
        except APIError:
            return []  # it has ended, or has no shell
        rows = [line.split(None, 3) for line in listed.decode("utf-8", "replace").splitlines()]
        found = [Process(int(pid), int(parent), *more) for pid, parent, *more in rows if pid.isdecimal()]
        # The listing shell is a child of no process of the container (parent 0).
        return sorted((one for one in found if one.pid == 1 or one.parent), key=lambda process: process.pid)

    def signal(self, number: Signals) -> None:
        with suppress(APIError):  # it has ended
            self.container.kill(number.name)

    def signal_all(self, processes: list[Process], number: Signals) -> str | None:
        pids = " ".join(str(process.pid) for process in processes)
        try:
            result = self.container.exec_run(["sh", "-c", f"kill -{number.value} {pids}"], user="0")
        except APIError as error:
            return str(error)
        return result.output.decode("utf-8", "replace").strip() or None if result.exit_code else None

    def crash(self) -> None:
        self.signal(SIGKILL)  # the rest of the container goes with its first process

    def remove(self) -> None:
        with suppress(APIError):  # it is gone
            self.container.remove(force=True, v=True)
        self.wait(10)


class ContainerRun(ContainerProgram, Run):
    """A training job in a container."""

    def __init__(self, command: str, container: Container, output: Iterable[bytes], job: Job, collected: Path):
        super().__init__(command, container, output)
        self.job, self.collected = job, collected

    def checkpoint_files(self) -> list[str]:
        content = content_of(self.container, f"{ML}/checkpoints")
        if not content:
            return []
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return [member.name.partition("/")[2] for member in tar if member.isreg() and member.size]

    def collect(self) -> Path:
        if not self.collected.exists():
            for folder in ("model", "output", "checkpoints"):
                content = content_of(self.container, f"{ML}/{folder}")
                (self.collected / folder).mkdir(parents=True)
                if content:
                    archive.unpack(io.BytesIO(content), self.collected / folder, strip=folder)
        return self.collected

    def channel_changes(self) -> list[str]:
        return []


class ContainerProcessing(ContainerProgram, ProcessingRun):
    """A Processing job in a container."""

    def __init__(self, command: str, container: Container, output: Iterable[bytes], collected: Path):
        super().__init__(command, container, output)
        self.collected = collected

    def collect(self, folder: str = "processing/output") -> Path:
        collected = self.collected / folder
        collected.mkdir(parents=True)
        if content := content_of(self.container, f"{ML}/{folder}"):
            archive.unpack(io.BytesIO(content), collected, strip=PurePosixPath(folder).name)
        return collected


class ContainerServer(ContainerProgram, Server):
    """A server in a container."""

    def __init__(self, command: str, container: Container, output: Iterable[bytes], port: int, published: int):
        super().__init__(command, container, output)
        self.port, self.address = port, ("127.0.0.1", published)

    @property
    def own_address(self) -> tuple[str, int] | None:
        """The container's own, which only the daemon's machine can reach: a published port has a proxy in front."""
        networks = self.container.attrs["NetworkSettings"]["Networks"].values()
        return next(((network["IPAddress"], self.port) for network in networks if network["IPAddress"]), None)

    def model_changes(self) -> list[str]:
        return []


Kind = TypeVar("Kind", bound=ContainerProgram)


class DockerEngine(Engine):
    """Starts containers of an image that lies on the daemon."""

    name = "docker"
    mounts_read_only = True
    network_interface = "eth0"

    def __init__(self, image: str, *, gpus: bool = False):
        client = connect()
        try:
            self.details: dict = client.images.get(image).attrs
        except ImageNotFound:
            raise SetupError(
                f"there is no image {image} here. Build it: make build (or docker build -t {image} .)"
            ) from None
        self.devices = {"device_requests": [DeviceRequest(count=-1, capabilities=[["gpu"]])]} if gpus else {}
        if gpus:
            require_gpus(client, image, self.devices)
        super().__init__()
        self.client = client
        self.image = self.target = image
        self.label = {LABEL: uuid.uuid4().hex}
        self._models: dict[Path, Mount] = {}

    @property
    def config(self) -> dict:
        """The image's configuration: User, Env, Entrypoint, Cmd, Labels."""
        return self.details["Config"]

    def declaration(self, label: str) -> str | None:
        """Return what the image declares in a label; None where it has no such label."""
        return (self.config.get("Labels") or {}).get(label)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the image sets."""
        return dict(line.partition("=")[::2] for line in self.config.get("Env") or [])

    @property
    def runs_as_root(self) -> bool:
        """True if the image sets no other user (T7)."""
        return (self.config.get("User") or "root").split(":")[0] in ("0", "root")

    @property
    def promises(self) -> bool:
        """True if the label says that the image was made from this template."""
        return bool(self.declaration(PROMISES))

    @cached_property
    def cpus(self) -> int:
        """The CPUs of the machine that the containers run on."""
        return self.client.info()["NCPU"]

    def facts(self) -> list[tuple[str, str]]:
        pushed = [("digest in its registry", digest) for digest in self.details.get("RepoDigests") or []]
        return [
            ("image", self.image),
            ("image digest", self.details["Id"]),
            *pushed,
            ("Docker", self.client.version()["Version"]),
        ]

    def lost(self) -> EngineLost | None:
        try:
            self.client.ping()
        except EngineLost as error:
            return error
        return None

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
        try:
            chunks, about = self._image_content.get_archive(path)
            if about["linkTarget"]:
                chunks, _ = self._image_content.get_archive(about["linkTarget"])
        except NotFound:
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            member = tar.next()
            content = tar.extractfile(member) if member and member.isreg() else None
            return (member, content.read()) if member and content else None

    def names_below(self, folder: str) -> list[str]:
        """Return the files that the image has below a folder."""
        content = content_of(self._image_content, folder)
        if not content:
            return []
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return [str(PurePosixPath(folder).parent / one.name) for one in tar if not one.isdir()]

    def train(
        self, job: Job, *, checkpoints: Path | None = None, network: bool = True, beside: int = 0
    ) -> ContainerRun:
        if not job.hosts:
            return self._train(job, checkpoints, {} if network else {"network_mode": "none"}, beside)
        reached_as = self.client.api.create_endpoint_config(aliases=[job.host])
        options = {"network": self._private_network, "networking_config": {self._private_network: reached_as}}
        return self._train(job, checkpoints, options | host_options(job))

    def host_names(self, count: int) -> list[str]:
        suffix = "".join(random.choices(string.ascii_lowercase + string.digits, k=5))
        return [f"algo-{number}-{suffix}" for number in range(1, count + 1)]

    def train_behind_decoys(self, job: Job, count: int) -> list[ContainerRun]:
        """Start a training job on hosts with two interfaces: the others are reached on eth1, not on eth0 (T16).

        The interfaces belong to a container that was started before: if it joins a network while it runs, the new
        interface surely gets the next number. Raises LookupError where the image has no program for that container.
        """
        names = tuple(sorted(self.host_names(count)))
        runs = []
        for name in names:
            one = job.but(host=name, hosts=names, network_interface_name="eth1")
            holder = self._two_interfaces(one)
            runs.append(self._train(one, None, {"network_mode": f"container:{holder.id}"}))
        return runs

    def _two_interfaces(self, job: Job) -> Container:
        """Return a running container with a network of its own as eth0 and the private network as eth1."""
        holder = self._create(["86400"], entrypoint=["sleep"], network=self._network(), **host_options(job))
        try:
            holder.start()
        except APIError:
            raise LookupError("the image has no `sleep`, which would hold two interfaces") from None
        self.client.networks.get(self._private_network).connect(holder, aliases=[job.host])
        return holder

    def _train(self, job: Job, checkpoints: Path | None, options: dict, beside: int = 0) -> ContainerRun:
        tree = self.folder("train")
        job.write(tree)
        if checkpoints:
            shutil.copytree(checkpoints, tree / "checkpoints")
        data = (tree / "input/data").rename(tree.with_name(f"{tree.name}-data"))
        mounts = [
            self._mount(ML, tree),
            self._mount(f"{ML}/input/data", data, read_only=self.read_only_channels),
        ]
        variables = job_variables(job, self.cpus, beside)
        if job.entrypoint:
            options["entrypoint"] = list(job.entrypoint)
        words = list(job.arguments) if job.entrypoint or job.arguments else ["train"]
        container = self._create(words, mounts=mounts, environment=variables, **options)
        network = f"--network {options['network_mode']} " if "network_mode" in options else ""
        entrypoint = f"--entrypoint {' '.join(job.entrypoint)} " if job.entrypoint else ""
        command = f"docker run {network}{entrypoint}{self.image} {' '.join(words)}"
        return self._start(container, partial(ContainerRun, command, job=job, collected=tree / "collected"))

    def process(
        self, tree: Path, entrypoint: Sequence[str], arguments: Sequence[str], environment: dict[str, str]
    ) -> ContainerProcessing:
        own = {"entrypoint": list(entrypoint)} if entrypoint else {}
        container = self._create(arguments, mounts=[self._mount(ML, tree)], environment=environment, **own)
        words = ["docker run", *(["--entrypoint", entrypoint[0]] if entrypoint else []), self.image, *entrypoint[1:]]
        command = " ".join([*words, *arguments])
        return self._start(container, partial(ContainerProcessing, command, collected=tree / "collected"))

    def serve(
        self,
        model: Path,
        environment: dict[str, str] | None = None,
        *,
        read_only: bool = True,
        port: int = 0,
        constraints: Constraints = UNCONSTRAINED,
    ) -> ContainerServer:
        environment = environment or {}
        inside = int(environment.get("SAGEMAKER_BIND_TO_PORT", PORT))
        container = self._create(
            ["serve"],
            mounts=[self._model_mount(model) if read_only else self._mount(f"{ML}/model", model)],
            environment=environment,
            ports={f"{inside}/tcp": ("127.0.0.1", port or None)},
            **constraints.options,
        )
        words = [f"--env {name}={value}" for name, value in environment.items()]
        command = " ".join(["docker run", *words, *constraints.words.split(), self.image, "serve"])

        def started(container: Container, output: Iterable[bytes]) -> ContainerServer:
            container.reload()
            published = container.ports.get(f"{inside}/tcp")  # none of one that has ended at once
            return ContainerServer(
                command, container, output, inside, int(published[0]["HostPort"]) if published else 0
            )

        return self._start(container, started)

    def close(self) -> None:
        try:
            remove_all(self.client, f"{LABEL}={self.label[LABEL]}")
        except EngineLost:
            self.programs.clear()  # they cannot be removed
        super().close()
        self.client.close()

    def _create(self, command: Sequence[str], **options: Any) -> Container:
        """Make a container. Raises SetupError with the daemon's own words where it refuses."""
        try:
            with interrupts.held():  # else the daemon might make a container after everything was removed
                return self.client.containers.create(
                    self.image, list(command), labels=self.label, **self.devices, **options
                )
        except APIError as error:
            raise SetupError(f"the Docker daemon refuses a container of {self.image}: {error.explanation}") from error

    def _start(self, container: Container, kind: Callable[[Container, Iterable[bytes]], Kind]) -> Kind:
        """Start a container, and return the program in it: a `kind` of the container and its output.

        What the daemon cannot start has ended with exit code 127 or the like, and says why in its log.
        """
        with interrupts.held():
            try:
                output = container.attach(stream=True)  # before the start, so that no output gets lost
                container.start()
            except APIError as error:
                output = [f"docker: {error.explanation}".encode()]
            program = kind(container, output)
            self.programs.append(program)
        return program

    @cached_property
    def _private_network(self) -> str:
        """The network of training jobs on several hosts."""
        return self._network()

    def _network(self) -> str:
        name = f"local-test-{uuid.uuid4().hex[:8]}"
        with interrupts.held():
            self.client.networks.create(name, internal=True, labels=self.label)
        return name

    def _mount(self, target: str, folder: Path, *, read_only: bool = False) -> Mount:
        """Return the mount of a new volume with a folder's content, which is copied through a container not started."""
        with interrupts.held():
            volume = self.client.volumes.create(labels=self.label).name
        # Without no_copy the daemon would add what the image has at that place.
        container = self._create(["train"], mounts=[Mount(target, volume, no_copy=True)])
        container.put_archive(target, archive.pack_tree(folder))
        container.remove()
        return Mount(target, volume, read_only=read_only, no_copy=True)

    def _model_mount(self, model: Path) -> Mount:
        """Return the mount of a model for servers that cannot write to it, and so share one."""
        if model not in self._models:
            self._models[model] = self._mount(f"{ML}/model", model, read_only=True)
        return self._models[model]

    @cached_property
    def _image_content(self) -> Container:
        """A container that is never started, to read the image's files from."""
        return self._create(["train"])

    def _on_path(self, name: str) -> tuple[str, tarfile.TarInfo, bytes] | None:
        for folder in self.environment.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":"):
            if found := self.read(f"{folder}/{name}"):
                return f"{folder}/{name}", *found
        return None


def require_gpus(client: DockerClient, image: str, devices: dict) -> None:
    """Raise SetupError where Docker cannot give a container the machine's GPUs."""
    container = client.containers.create(image, [], entrypoint=["true"], labels={LABEL: "gpu"}, **devices)
    try:
        container.start()
    except APIError as error:
        if "exec" in error.explanation:  # the GPU was there; the image has no `true`
            return
        raise SetupError(
            f"Docker gives containers no GPU here ({error.explanation}). Install the NVIDIA Container Toolkit, or "
            "leave GPU=1 out"
        ) from None
    finally:
        container.remove(force=True)
