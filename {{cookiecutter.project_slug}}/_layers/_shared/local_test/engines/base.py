"""What every engine offers: `train` and `serve` started as SageMaker starts them, watched, signalled, cleaned up."""

import os
import re
import shutil
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGURG, Signals
from typing import Any

from ..errors import EngineLost, SetupError
from ..exchange import Exchange, exchange, shown
from ..job import Job
from ..progress import doing
from ..sample import Request
from ..tracebacks import each_once
from ..waits import WAITS

LOG_TAIL = 25
STACKS_TAIL = 100  # lines, where the log may hold the stacks of several processes
THREADS = "OMP_NUM_THREADS"
STACKS_WITHIN = 0.1  # seconds that a process gets to print its stacks


def job_variables(job: Job, cpus: int, beside: int) -> dict[str, str]:
    """Return the variables of a training job (T20), and how many threads to use where programs share the CPUs.

    On SageMaker each program has an instance of its own. Here threads that wait by spinning would take the CPUs from
    the threads that they wait for. An OMP_NUM_THREADS of this machine is passed to containers, too.
    """
    programs = len(job.hosts or [job.host]) + beside
    threads = os.environ.get(THREADS) or (str(max(1, cpus // programs)) if programs > 1 else "")
    return ({THREADS: threads} if threads else {}) | job.environment


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
class Constraints:
    """More constraints of a container: as options of `docker run`, and as those of the docker SDK."""

    words: str
    options: dict


UNCONSTRAINED = Constraints("", {})


@dataclass(frozen=True)
class Process:
    """A process of a program; `state` is the letter that `ps` shows (R running, S sleeping, D waiting for a disk)."""

    pid: int
    parent: int
    state: str
    command: str


def leaves(processes: list[Process]) -> list[Process]:
    """Return the processes without children, the first one (the main process) excepted: the workers."""
    parents = {process.parent for process in processes}
    return [process for process in processes[1:] if process.pid not in parents]


def workers(processes: list[Process]) -> int:
    """Return how many workers a server has: the leaves of the most frequent name, without a proxy in front of them."""
    names = Counter(process.command for process in leaves(processes))
    return max(names.values(), default=0)


def shebang_words(first_line: bytes) -> list[str]:
    """Return the program and arguments that a shebang line names, looking through `env`; [] without a shebang."""
    if not first_line.startswith(b"#!"):
        return []
    words = first_line[2:].decode("utf-8", "replace").split()
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if word != "-S"]
    return words


class Program(ABC):
    """A started `train` or `serve`. `command` is how a user starts the same, for messages.

    `output` yields what it prints, in lines; `end` blocks until its main process has ended, and returns the exit code.
    """

    def __init__(self, command: str, output: Iterable[bytes], end: Callable[[], int]):
        self.command = command
        self.started = time.monotonic()
        self._ended_at: float | None = None
        self.log: list[tuple[float, str]] = []  # seconds since the start, line
        self._code: int | None = None
        self._lost: EngineLost | None = None
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read, args=[output], daemon=True)
        self._reader.start()
        threading.Thread(target=self._await, args=[end], daemon=True).start()

    def _read(self, output: Iterable[bytes]) -> None:
        for line in output:
            text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
            self.log.append((time.monotonic() - self.started, text))

    def _await(self, end: Callable[[], int]) -> None:
        try:
            self._code = end()
        except EngineLost as error:
            self._lost = error
        self._ended_at = time.monotonic()
        self._over.set()

    @property
    def exit_code(self) -> int | None:
        """The exit code, None while it runs. Raises EngineLost where the engine cannot tell any more."""
        if self._lost:
            raise self._lost
        return self._code

    @property
    def seconds(self) -> float:
        """Seconds from start to end, or till now."""
        return (self._ended_at or time.monotonic()) - self.started

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; True if the program has ended, and its log is complete."""
        if not self._over.wait(timeout):
            return False
        self._reader.join(2)
        return self.exit_code is not None

    def line_with(self, pattern: str) -> str | None:
        """Return the first line of the log that matches a regular expression."""
        return next((line for _, line in list(self.log) if re.search(pattern, line)), None)

    @property
    def last_words(self) -> str:
        """The last line that it printed, which is where programs say why they end."""
        return next((line.strip() for _, line in reversed(self.log) if line.strip()), "it printed nothing")

    @property
    def got(self) -> str:
        """Exit code and the end of the log, for messages."""
        return self._tell(LOG_TAIL)

    def stuck(self) -> str:
        """Return the state of its processes, for the message on a program that does not answer or does not end.

        SIGURG asks them for their stacks. A Python program that has registered its faulthandler for this signal prints
        them; every other program ignores it.
        """
        processes = self.processes() if self.exit_code is None else []
        if not processes:
            return self.got
        for process in processes:  # one after the other, so that their lines do not mix
            self.signal_all([process], SIGURG)
            time.sleep(STACKS_WITHIN)
        table = [f"{one.pid} {one.state} {one.command}" for one in processes]
        return "\n".join(["its processes (number, state, command):", *table, self._tell(STACKS_TAIL)])

    def _tell(self, lines: int) -> str:
        code = self.exit_code
        state = f"still running after {self.seconds:.1f} s" if code is None else self._ended(code)
        text = "".join(f"{line}\n" for _, line in self.log[-10 * lines :])
        tail = each_once(text).splitlines()[-lines:]
        return "\n".join([state, *(["last lines of its log:", *tail] if tail else ["it printed nothing"])])

    def _ended(self, code: int) -> str:
        by_signal = f" (ended by {Signals(-code).name})" if code < 0 else ""
        return f"exit code {code}{by_signal} after {self.seconds:.1f} s"

    @abstractmethod
    def processes(self) -> list[Process]:
        """Return its processes, the main one first; [] where they cannot be seen."""

    @abstractmethod
    def signal(self, number: Signals) -> None:
        """Send a signal to the main process, as SageMaker does."""

    @abstractmethod
    def signal_all(self, processes: list[Process], number: Signals) -> str | None:
        """Send a signal to some of its processes; return the reason when that cannot be done here."""

    @abstractmethod
    def crash(self) -> None:
        """Kill (-9) it and everything that it has started at once, as when its host dies."""

    @abstractmethod
    def remove(self) -> None:
        """End it and everything that it has started, and remove what the engine made for it."""


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


class ProcessingRun(Program):
    """A Processing job."""

    @abstractmethod
    def collect(self, folder: str = "processing/output") -> Path:
        """Return a folder with the content of a folder below /opt/ml (call it once the job has ended)."""


class Server(Program):
    """A server for a model; `address` is where it answers on this machine.

    `unanswered` are the requests that got no answer, until `Engine.take_unanswered` takes them.
    """

    address: tuple[str, int]

    @property
    def own_address(self) -> tuple[str, int] | None:
        """The address without a proxy in between that accepts connections for it; None where there is none."""
        return self.address

    def __init__(self, command: str, output: Iterable[bytes], end: Callable[[], int]):
        super().__init__(command, output, end)
        self.unanswered: list[Exchange] = []

    def poll(self) -> Exchange:
        """Ask GET /ping of a server that may not answer yet, or no longer."""
        return exchange(self.address, "GET", "/ping", timeout=WAITS.ping)

    def request(self, method: str, path: str, *args: Any, **options: Any) -> Exchange:
        """Send an HTTP request that must be answered; see `exchange`."""
        with doing(f"waiting for the answer to {method} {path}"):
            result = exchange(self.address, method, path, *args, **options)
        if result.status is None:
            result.stuck = self.stuck()
            self.unanswered.append(result)
        return result

    def reason(self, answer: Exchange) -> str:
        """Return in one line why an answer is not a 2xx: its own text, or after a 5xx the last line of the log."""
        if answer.status is None:
            return answer.error
        words = self.last_words if answer.status >= 500 else shown(answer.body).partition("\n")[0]
        return f"{answer.status}, {words}"

    def keep_connection(self) -> HTTPConnection:
        """Open a connection for several requests."""
        return HTTPConnection(*self.address, timeout=WAITS.invocation)

    def invoke(
        self, request: Request, body: bytes | None = None, kept: HTTPConnection | None = None, **headers: str
    ) -> Exchange:
        """Send a sample request, or another body with its types; header names use _ for -."""
        own = {"Content-Type": request.content_type, "Accept": request.accept}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", "/invocations", own | more, request.body if body is None else body, kept=kept)

    @abstractmethod
    def model_changes(self) -> list[str]:
        """Return what it changed in the model folder (nothing where the folder is mounted read-only)."""


class Engine(ABC):
    """Starts programs and removes everything again. `mounts_read_only`: writes to inputs and models are refused."""

    name: str
    target: str  # what is checked, in words
    mounts_read_only: bool
    network_interface: str  # the name of the interface that hosts reach each other on (T16)
    read_only_channels = True  # false: training jobs may write to their channels

    def __init__(self) -> None:
        self.workspace = Path(tempfile.mkdtemp(prefix="local_test-"))
        self.programs: list[Program] = []

    @property
    def runs_as_root(self) -> bool:
        """True if its programs are root's, as on SageMaker (T7); a local process is whoever the user is."""
        return True

    @property
    def promises(self) -> bool:
        """True if more is promised than SageMaker asks for: what images of this template promise."""
        return True

    def folder(self, name: str) -> Path:
        """Return a new empty folder that lives as long as the engine."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.workspace))

    @abstractmethod
    def executable(self, name: str) -> Executable | None:
        """Return `train` or `serve`, None if there is none. Raises LookupError when an ENTRYPOINT starts both."""

    @abstractmethod
    def train(self, job: Job, *, checkpoints: Path | None = None, network: bool = True, beside: int = 0) -> Run:
        """Start a training job; `checkpoints` is a folder to restore into /opt/ml/checkpoints (T34).

        `beside` is how many other jobs will share the CPUs with it. A job with `hosts` is started on one of them,
        `host`, which reaches the others under their names.
        """

    @abstractmethod
    def host_names(self, count: int) -> list[str]:
        """Return names for the hosts of one job. Raises SetupError where this machine does not offer them."""

    def train_on_hosts(
        self, job: Job, count: int, *, checkpoints: Path | None = None, first_late_by: float = 0.0
    ) -> list[Run]:
        """Start a training job on several hosts, each with a /opt/ml of its own; return them in SageMaker's order.

        The first host, which is to write the model, is started last, `first_late_by` seconds after the others:
        until then its name does not resolve (T42).
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

    def process(
        self, tree: Path, entrypoint: Sequence[str], arguments: Sequence[str], environment: dict[str, str]
    ) -> ProcessingRun:
        """Start a Processing job whose /opt/ml is a folder; without an entrypoint by the image's own (PR1-PR4).

        Raises SetupError where there are no containers.
        """
        raise SetupError("a Processing job needs a container: use ENGINE=docker")

    @abstractmethod
    def declaration(self, label: str) -> str | None:
        """Return what the algorithm declares, which an image has as a label; None where it declares nothing."""

    def facts(self) -> list[tuple[str, str]]:
        """Return facts about what is checked and what starts it, as (name, value)."""
        return []

    def lost(self) -> EngineLost | None:
        """Return why this engine cannot continue; None while it works."""
        return None

    def take_unanswered(self) -> list[Exchange]:
        """Return the requests that no server has answered since the last call."""
        servers = [program for program in self.programs if isinstance(program, Server)]
        found = [one for server in servers for one in server.unanswered]
        for server in servers:
            server.unanswered.clear()
        return found

    def close(self) -> None:
        """Remove all programs and files."""
        for program in self.programs:
            program.remove()
        shutil.rmtree(self.workspace, ignore_errors=True)
