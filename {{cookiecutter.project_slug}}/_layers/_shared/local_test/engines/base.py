"""What every engine offers: `train` and `serve` started as SageMaker starts them, watched, signalled, cleaned up."""

import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from ..exchange import Exchange, exchange
from ..job import Job
from ..sample import Request

LOG_TAIL = 25


def job_variables(job: Job, cpus: int) -> dict[str, str]:
    """Return the variables of a training job (T20), and for hosts that share this machine how many threads to use.

    On SageMaker each has a machine of its own. Threads that wait for one another by spinning would take the CPUs from
    those that they wait for.
    """
    variables = {"TRAINING_JOB_NAME": "local-test"}
    return variables | ({"OMP_NUM_THREADS": str(max(1, cpus // len(job.hosts)))} if job.hosts else {})


@dataclass(frozen=True)
class Executable:
    """`train` or `serve` as found: `first_line` is the shebang (b"" for a binary).

    `interpreter` is the program that the shebang asks for, `interpreter_found` says whether it is there;
    `executable` is None where the engine does not need the mode bit.
    """

    path: str
    first_line: bytes
    interpreter: str | None
    interpreter_found: bool
    executable: bool | None


@dataclass(frozen=True)
class Process:
    """A process of a running server."""

    pid: int
    parent: int
    command: str


def leaves(processes: list[Process]) -> list[Process]:
    """Return the processes without children, the first one (the main process) excepted: the workers."""
    parents = {process.parent for process in processes}
    return [process for process in processes[1:] if process.pid not in parents]


def shebang_words(first_line: bytes) -> list[str]:
    """Return the program and arguments that a shebang line names, looking through `env`; [] without a shebang."""
    if not first_line.startswith(b"#!"):
        return []
    words = first_line[2:].decode("utf-8", "replace").split()
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if word != "-S"]
    return words


class Program(ABC):
    """A started `train` or `serve`. `command` is how to start the same by hand, for messages."""

    def __init__(self, command: str, popen: subprocess.Popen):
        self.command = command
        self.popen = popen
        self.started = time.monotonic()
        self.ended: float | None = None
        self.log: list[tuple[float, str]] = []  # seconds since the start, line
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.popen.stdout:
            self.log.append((time.monotonic() - self.started, line.rstrip("\r\n")))

    @property
    def exit_code(self) -> int | None:
        """The exit code, None while it runs."""
        code = self.popen.poll()
        if code is not None and self.ended is None:
            self.ended = time.monotonic()
        return code

    @property
    def seconds(self) -> float:
        """Seconds from start to end, or till now."""
        return (self.ended or time.monotonic()) - self.started

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; True if the program has ended, and its log is complete."""
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        self._reader.join(2)
        return self.exit_code is not None

    def line_with(self, pattern: str) -> str | None:
        """Return the first line of the log that matches a regular expression."""
        return next((line for _, line in list(self.log) if re.search(pattern, line)), None)

    @property
    def got(self) -> str:
        """Exit code and the end of the log, for messages."""
        code = self.exit_code
        state = f"still running after {self.seconds:.1f} s" if code is None else self._ended(code)
        tail = [line for _, line in self.log[-LOG_TAIL:]]
        return "\n".join([state, *(["last lines of its log:", *tail] if tail else ["it printed nothing"])])

    def _ended(self, code: int) -> str:
        by_signal = f" (ended by {signal.Signals(-code).name})" if code < 0 else ""
        return f"exit code {code}{by_signal} after {self.seconds:.1f} s"

    @abstractmethod
    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the main process, as SageMaker does."""

    @abstractmethod
    def crash(self) -> None:
        """Kill (-9) it with everything it started at once, as when its host dies."""

    @abstractmethod
    def remove(self) -> None:
        """End it with everything it started, and remove what the engine made for it."""


class Run(Program):
    """A training job."""

    job: Job

    @abstractmethod
    def checkpoint_files(self) -> list[str]:
        """Return the names of the non-empty files that now lie in /opt/ml/checkpoints."""

    @abstractmethod
    def collect(self) -> Path:
        """Return a folder with the job's model/, output/, checkpoints/ and input/ (call it once it has ended)."""

    @abstractmethod
    def channel_changes(self) -> list[str]:
        """Return what the job changed in its input channels."""


class Server(Program):
    """A server for a model; `address` is where it answers on this machine."""

    address: tuple[str, int]

    def request(self, method: str, path: str, *args, **options) -> Exchange:
        """Send an HTTP request; see `exchange`."""
        return exchange(self.address, method, path, *args, **options)

    def invoke(self, request: Request, body: bytes | None = None, **headers: str) -> Exchange:
        """Send a sample request, or another body with its types; header names use _ for -."""
        own = {"Content-Type": request.content_type, "Accept": request.accept}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", "/invocations", own | more, request.body.encode() if body is None else body)

    @abstractmethod
    def processes(self) -> list[Process]:
        """Return its processes, the main one first."""

    @abstractmethod
    def kill(self, processes: list[Process]) -> str | None:
        """Kill (-9) some of its processes; return the reason when that cannot be done here."""

    @abstractmethod
    def model_changes(self) -> list[str]:
        """Return what it changed in the model folder (nothing where the folder is mounted read-only)."""


class Engine(ABC):
    """Starts programs and removes everything again. `mounts_read_only`: writes to inputs and models are refused."""

    name: str
    target: str  # what is tested, in words
    mounts_read_only: bool
    network_interface: str  # the name of the interface that hosts reach each other on (T16)
    read_only_channels = True  # false: training jobs may write to their channels
    runs_as_root = True  # as the container does; a local process is whoever the user is

    def __init__(self) -> None:
        self.workspace = Path(tempfile.mkdtemp(prefix="local_test-"))
        self.programs: list[Program] = []

    def folder(self, name: str) -> Path:
        """Return a new empty folder that lives as long as the engine."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.workspace))

    @abstractmethod
    def executable(self, name: str) -> Executable | None:
        """Return `train` or `serve`, None if there is none. Raises LookupError when an ENTRYPOINT starts both."""

    @abstractmethod
    def train(self, job: Job, *, checkpoints: Path | None = None, network: bool = True) -> Run:
        """Start a training job; `checkpoints` is a folder to restore into /opt/ml/checkpoints (T34).

        A job with `hosts` is started on one of them, `host`, which reaches the others under their names.
        """

    @abstractmethod
    def host_names(self, count: int) -> list[str]:
        """Return names for the hosts of one job. Raises SetupError where this machine does not offer them."""

    def train_on_hosts(
        self, job: Job, count: int, *, checkpoints: Path | None = None, first_late_by: float = 0.0
    ) -> list[Run]:
        """Start a training job on several hosts, each with a /opt/ml of its own; return them in SageMaker's order.

        The first host, which is to write the model, is started last, `first_late_by` seconds after the others:
        until then its name leads nowhere (T42).
        """
        names = tuple(sorted(self.host_names(count)))
        jobs = [job.but(host=name, hosts=names, network_interface_name=self.network_interface) for name in names]
        others = [self.train(one, checkpoints=checkpoints) for one in jobs[1:]]
        time.sleep(first_late_by)
        return [self.train(jobs[0], checkpoints=checkpoints), *others]

    @abstractmethod
    def serve(
        self, model: Path, environment: dict[str, str] | None = None, *, read_only: bool = True, port: int = 0
    ) -> Server:
        """Start a server for the model in a folder; `port` 0 means any free one."""

    def close(self) -> None:
        """Remove all programs and files."""
        for program in self.programs:
            program.remove()
        shutil.rmtree(self.workspace, ignore_errors=True)
