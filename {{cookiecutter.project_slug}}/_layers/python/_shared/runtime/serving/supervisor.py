"""The container's first process: it holds the model, forks the workers and replaces them, and starts nginx.

It stays single-threaded, so that it can fork at any time:

    serve: the model ─┬─ nginx: the port, /ping ── one socket ─┐
                      └─ workers, which share the model ───────┘
"""

import gc
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import chdir, suppress
from pathlib import Path

from runtime.errors import UserError
from runtime.serving import nginx
from runtime.serving.answer import Answers
from runtime.serving.settings import Settings
from runtime.serving.slot import Slot
from runtime.serving.worker import Worker

# The server exits when a worker dies this often within so many seconds: it would go on dying.
MOST_DEATHS = 3
DEATH_SECONDS = 10
# Seconds beyond the time limit in which a worker may stop by itself. It cannot while it is in C code.
GRACE = 2
# /ping returns 503 when no worker has been able to answer for so many seconds.
PATIENCE = 10
TICK = 1  # seconds between two looks at the workers
WATCH = 1  # seconds between a worker's looks at its parent
BACKLOG = 1024  # more connections than nginx makes


class Supervisor:
    """Serves with what `load` returns, which is called in each worker.

    Raises UserError where nginx or a folder for temporary files is missing.
    """

    def __init__(self, load: Callable[[], Answers], settings: Settings) -> None:
        self.load, self.settings = load, settings
        self.program = nginx.find()
        self.pid = os.getpid()
        self.slots = [Slot() for _ in range(settings.workers)]
        self.workers: dict[int, Slot] = {}  # by process id
        self.deaths: dict[Slot, deque[float]] = {slot: deque(maxlen=MOST_DEATHS) for slot in self.slots}
        self.front: int | None = None  # nginx's process id, while it runs
        self.stopping = False
        self.well_at = time.monotonic()
        self.news, self.bell = socket.socketpair()  # signals, and workers that are ready, ring the bell
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.setblocking(False)  # several workers may wake up, and one gets the connection
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="serve-"))
            with chdir(self.folder):  # the path of a socket is limited to some hundred letters
                self.listener.bind(nginx.SOCKET)
        except OSError as error:
            raise UserError(f"no folder for temporary files can be used: {error}; set TMPDIR to one") from None

    def run(self) -> int:
        """Serve until SIGTERM, and finish the requests in flight (I5); return the exit status."""
        self.listener.listen(BACKLOG)
        self._listen_to_signals()
        # The garbage collector of a worker must not touch, and so copy, memory that it shares with the others.
        gc.freeze()
        try:
            for slot in self.slots:
                self._start_worker(slot)
            while (status := self._ended()) is None:
                self._look_after_workers()
                self._wait()
            return status
        finally:
            for pid in self.workers:
                os.kill(pid, signal.SIGKILL)
            if self.front:
                os.kill(self.front, signal.SIGTERM)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _listen_to_signals(self) -> None:
        self.news.setblocking(False)
        self.bell.setblocking(False)
        signal.set_wakeup_fd(self.bell.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):  # SageMaker, Ctrl-C
            signal.signal(number, self._stop)

    def _stop(self, signum: int, frame: object) -> None:
        """Let nginx finish its requests, and end."""
        self.stopping = True
        if self.front:
            os.kill(self.front, signal.SIGQUIT)

    def _wait(self) -> None:
        """Wait for news, but no longer than a tick."""
        select.select([self.news], [], [], TICK)
        with suppress(BlockingIOError):
            while self.news.recv(4096):
                pass

    def _ended(self) -> int | None:
        """Reap processes that have ended; return the exit status if the server should end, too."""
        if self.stopping and not self.front:
            return 0
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if not pid:
                return None
            if pid == self.front:
                self.front = None
                return 0 if self.stopping else _give_up("nginx has exited; its error is above")
            if pid in self.workers:  # else a process that the algorithm had left behind
                slot = self.workers.pop(pid)
                if not self.front:
                    return 1  # the model could not be loaded, as the worker has said
                if self._too_many_deaths(slot, status):
                    return _give_up(f"a worker died {MOST_DEATHS} times within {DEATH_SECONDS} seconds")
                self._tell(pid, slot, status)
                self._start_worker(slot)

    def _too_many_deaths(self, slot: Slot, status: int) -> bool:
        """Count a death, except that of a worker that was stopped because its prediction took too long."""
        if status == 0 or self._overdue(slot):
            return False
        deaths = self.deaths[slot]
        deaths.append(time.monotonic())
        return len(deaths) == MOST_DEATHS and deaths[-1] - deaths[0] < DEATH_SECONDS

    def _tell(self, pid: int, slot: Slot, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        doing = f"request {slot.request}: " if slot.since else ""
        print(f"{doing}worker {pid} {how}; a new worker replaces it", file=sys.stderr, flush=True)

    def _start_worker(self, slot: Slot) -> None:
        slot.clear()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = self._be_worker(slot)
            except BaseException:  # an algorithm may call sys.exit
                traceback.print_exc()
            finally:
                os._exit(status)
        self.workers[pid] = slot

    def _be_worker(self, slot: Slot) -> int:
        """Run the forked worker; return its exit status."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process
        threading.Thread(target=self._end_with_parent, daemon=True).start()
        try:
            answers = self.load()
        except UserError as error:
            print(f"cannot serve: {error}", file=sys.stderr, flush=True)
            return 1
        worker = Worker(answers, self.listener, slot)
        slot.idle()
        self.bell.send(b"!")
        gc.enable()
        worker.work()
        return 0

    def _end_with_parent(self) -> None:
        """End this worker and nginx when the first process has ended, however it did: none may go on answering."""
        while os.getppid() == self.pid:
            time.sleep(WATCH)
        with suppress(OSError, ValueError):
            os.kill(int((self.folder / "nginx.pid").read_text()), signal.SIGTERM)
        shutil.rmtree(self.folder, ignore_errors=True)
        os._exit(1)

    def _look_after_workers(self) -> None:
        """Start nginx when the first worker is ready; kill workers that are stuck; update /ping."""
        if not self.front and any(slot.ready for slot in self.workers.values()):
            print(f"listening on port {self.settings.port} with {self.settings.workers} workers", flush=True)
            self.front = nginx.start(self.program, self.settings, self.folder)
            if self.stopping:  # since a moment ago
                self._stop(signal.SIGTERM, None)
        for pid, slot in self.workers.items():
            if self._overdue(slot):
                stuck = f"the prediction takes longer than {self.settings.timeout} s, and does not stop by itself"
                print(f"request {slot.request}: {stuck}", file=sys.stderr, flush=True)
                os.kill(pid, signal.SIGKILL)
        now = time.monotonic()
        if any(slot.ready and not self._overdue(slot) for slot in self.workers.values()):
            self.well_at = now
        unwell = self.folder / "unwell"
        if now - self.well_at > PATIENCE:
            unwell.touch()
        else:
            unwell.unlink(missing_ok=True)

    def _overdue(self, slot: Slot) -> bool:
        since = slot.since  # read once, for the worker may write meanwhile
        return bool(since) and time.monotonic() - since > self.settings.timeout + GRACE


def _give_up(reason: str) -> int:
    print(f"cannot serve: {reason}", file=sys.stderr, flush=True)
    return 1
