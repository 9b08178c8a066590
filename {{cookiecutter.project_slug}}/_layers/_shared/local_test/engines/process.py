"""The process engine: the project's own `runtime/train` and `runtime/serve`, started as local processes.

/opt/ml is a private folder (SAGEMAKER_BASE_DIR) and the port a free one (SAGEMAKER_BIND_TO_PORT). The hosts of a
job are called by loopback addresses, on which each may have the same ports.
"""

import os
import random
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals

from .. import interrupts
from ..archive import Snapshot, changes, files, snapshot
from ..errors import SetupError
from ..job import Job
from .base import Engine, Executable, Process, Program, Run, Server, job_variables, shebang_words

# The variables of the user that programs may see. There is no AWS_*: nothing may depend on credentials (T40).
KEPT_VARIABLES = (
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "R_LIBS",
    "R_LIBS_USER",
)

LISTENS = "0A"  # the state of a socket in /proc/net/tcp


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listeners(port: int) -> set[int]:
    """Return the numbers of the processes that listen on a port."""
    if not Path("/proc/net/tcp").exists():
        command = ["lsof", "-t", "-n", "-P", f"-iTCP:{port}", "-sTCP:LISTEN"]
        return set(map(int, subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()))
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == LISTENS}
    found = set()
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if os.readlink(entry) in sockets:
                found.add(int(entry.parts[2]))
    return found


def own_address(address: str) -> bool:
    """Return whether programs on this machine can listen on an address."""
    with socket.socket() as probe, suppress(OSError):
        probe.bind((address, 0))
        return True
    return False


def table_of_processes() -> list[Process]:
    """Return all processes of this machine."""
    if Path("/proc/self/stat").exists():
        return [process for entry in Path("/proc").iterdir() if (process := _from_proc(entry))]
    lines = subprocess.run(["ps", "-axo", "pid=,ppid=,state=,command="], capture_output=True, text=True, check=True)
    words = [line.split(None, 3) for line in lines.stdout.splitlines()]
    return [Process(int(pid), int(parent), state, "".join(command)) for pid, parent, state, *command in words]


def _from_proc(entry: Path) -> Process | None:
    if not entry.name.isdigit():
        return None
    try:
        state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
        command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return None
    return Process(int(entry.name), int(parent), state, command) if state != "Z" else None


def tree(root: int) -> list[Process]:
    """Return a process and all its descendants, the process itself first; [] if it is gone."""
    table = table_of_processes()
    found = [process for process in table if process.pid == root]
    for process in found:  # grows while it is walked
        found += [child for child in table if child.parent == process.pid]
    return found


class LocalProgram(Program):
    """A program in a session of its own; `base` stands for /opt/ml."""

    def __init__(self, command: str, popen: subprocess.Popen, base: Path):
        super().__init__(command, popen.stdout or (), popen.wait)
        self.popen, self.base = popen, base

    def processes(self) -> list[Process]:
        return tree(self.popen.pid)

    def signal(self, number: Signals) -> None:
        self.popen.send_signal(number)

    def signal_all(self, processes: list[Process], number: Signals) -> str | None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)
        return None

    def crash(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
            os.killpg(self.popen.pid, SIGKILL)

    def remove(self) -> None:
        self.crash()
        self.wait(10)
        shutil.rmtree(self.base, ignore_errors=True)


def size_of(file: Path) -> int:
    """Return the bytes of a file, 0 where there is none: it may have been renamed since it was listed."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


class LocalRun(LocalProgram, Run):
    """A training job as a local process."""

    def __init__(self, command: str, popen: subprocess.Popen, base: Path, job: Job, channels: Snapshot):
        super().__init__(command, popen, base)
        self.job, self.channels_before = job, channels

    def checkpoint_files(self) -> list[str]:
        folder = self.base / "checkpoints"
        return [str(path.relative_to(folder)) for path in files(folder) if size_of(path)]

    def collect(self) -> Path:
        return self.base

    def channel_changes(self) -> list[str]:
        return changes(self.channels_before, snapshot(self.base / "input/data"))


class LocalServer(LocalProgram, Server):
    """A server as a local process."""

    def __init__(self, command: str, popen: subprocess.Popen, base: Path, address: tuple[str, int], model: Snapshot):
        super().__init__(command, popen, base)
        self.address, self.model_before = address, model

    def model_changes(self) -> list[str]:
        return changes(self.model_before, snapshot(self.base / "model"))


class ProcessEngine(Engine):
    """Starts the executables of a generated project by the interpreter that their shebang names."""

    name = "process"
    mounts_read_only = False
    network_interface = "lo0" if sys.platform == "darwin" else "lo"

    def __init__(self, project: Path):
        self.project = project
        self.path = os.pathsep.join([str(project / ".venv/bin"), os.environ.get("PATH", os.defpath)])
        for name in ("train", "serve"):
            self._command(name)
        super().__init__()
        self.target = str(project)

    def facts(self) -> list[tuple[str, str]]:
        language = "Rscript" if (self.project / "algorithm.R").exists() else "python3"
        command, environment = [language, "--version"], os.environ | {"PATH": self.path}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return [("runs in", (result.stdout + result.stderr).strip())]  # R before 4.1 says it on standard error

    def executable(self, name: str) -> Executable | None:
        file = self.project / "runtime" / name
        if not file.is_file():
            return None
        first_line = file.read_bytes().split(b"\n", 1)[0]
        interpreter = next(iter(shebang_words(first_line)), None)
        found = interpreter is None or shutil.which(Path(interpreter).name, path=self.path) is not None
        return Executable(f"runtime/{name}", first_line, interpreter, found, executable=None)

    def train(self, job: Job, *, checkpoints: Path | None = None, network: bool = True, beside: int = 0) -> LocalRun:
        base = self.folder("train")
        job.write(base)
        if checkpoints:
            shutil.copytree(checkpoints, base / "checkpoints")
        before = snapshot(base / "input/data")
        variables = job_variables(job, os.cpu_count() or 1, beside)
        with interrupts.held():
            run = LocalRun(*self._start("train", base, variables), base, job, before)
            self.programs.append(run)
        return run

    def declaration(self, label: str) -> str | None:
        """Return what `runtime/describe` declares, whatever the label; None where it says nothing."""
        command, environment = self._command("describe"), os.environ | {"PATH": self.path}
        result = subprocess.run(command, cwd=self.project, env=environment, capture_output=True, text=True, check=False)
        return result.stdout.strip() or None

    def host_names(self, count: int) -> list[str]:
        # Linux has all of 127.0.0.0/8, so that simultaneous jobs do not meet; macOS only what the user has added.
        middle = "91.91" if sys.platform == "darwin" else f"{random.randint(1, 254)}.{random.randint(1, 254)}"
        names = [f"127.{middle}.{101 + number}" for number in range(count)]
        if missing := [name for name in names if not own_address(name)]:
            aliases = "; ".join(f"sudo ifconfig lo0 alias {name}" for name in missing)
            raise SetupError(
                f"local processes stand for {count} hosts, each with an address of its own, and this machine lacks "
                f"some of them. Add them ({aliases}), or run in containers: make local-test ENGINE=docker"
            )
        return names

    def serve(
        self, model: Path, environment: dict[str, str] | None = None, *, read_only: bool = True, port: int = 0
    ) -> LocalServer:
        base = self.folder("serve")
        shutil.copytree(model, base / "model")
        before = snapshot(base / "model")
        own = {"SAGEMAKER_BIND_TO_PORT": str(port or free_port()), **(environment or {})}
        address = ("127.0.0.1", int(own["SAGEMAKER_BIND_TO_PORT"]))
        with interrupts.held():
            server = LocalServer(*self._start("serve", base, own), base, address, before)
            self.programs.append(server)
        return server

    def _start(self, name: str, base: Path, own: dict[str, str]) -> tuple[str, subprocess.Popen]:
        """Start `runtime/<name>` with variables of its own; return how a user starts it, and the process."""
        own = {"SAGEMAKER_BASE_DIR": str(base), **own}
        kept = {key: os.environ[key] for key in KEPT_VARIABLES if key in os.environ}
        # Scratch files are removed with the workspace. The name is short because the paths of Unix sockets are limited.
        scratch = self.workspace / "t"
        scratch.mkdir(exist_ok=True)
        popen = subprocess.Popen(
            self._command(name),
            cwd=self.project,
            env={"PATH": self.path, **kept, "TMPDIR": str(scratch), **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return " ".join([*(f"{key}={value}" for key, value in own.items()), f"runtime/{name}"]), popen

    def _command(self, name: str) -> list[str]:
        """Return the command that starts `runtime/<name>`. Raises SetupError if the project cannot run here."""
        file = self.project / "runtime" / name
        if not file.is_file():
            raise SetupError(
                f"the process engine starts {file}, which does not exist. It works in a generated project; for an "
                "image that was not made from one, use --engine docker --image NAME:TAG."
            )
        interpreter, *arguments = shebang_words(file.read_bytes().split(b"\n", 1)[0]) or ["sh"]
        interpreter = Path(interpreter).name
        if interpreter.startswith("python") and not (self.project / ".venv/bin" / interpreter).exists():
            raise SetupError(
                f"{self.project / '.venv'} is missing or has no {interpreter}. `make local-test ENGINE=process` "
                "makes it from requirements.txt."
            )
        program = shutil.which(interpreter, path=self.path)
        if program is None:
            raise SetupError(
                f"runtime/{name} needs {interpreter}, which is not installed here. Install it, or run in a "
                "container: make local-test ENGINE=docker."
            )
        return [program, *arguments, str(file)]
