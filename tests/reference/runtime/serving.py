"""A server with a process for each CPU; the first process watches over them and answers nothing itself."""

import faulthandler
import http.server
import json
import multiprocessing
import os
import signal
import socket
import threading
import traceback
from http import HTTPStatus
from multiprocessing.synchronize import Semaphore
from pathlib import Path

import formats
import job
import line

BACKLOG = 1024  # connections that wait to be accepted (I11)
LARGEST = 100 * 1024 * 1024  # bytes of a body (B3)
IDLE = 20.0  # seconds without a word after which a client is given up; less than the 30 s that SIGTERM leaves (I5)
WORKERS, QUEUE = "SAGEMAKER_MODEL_SERVER_WORKERS", "SAGEMAKER_MODEL_SERVER_QUEUE"
POLL = 0.02  # seconds until a worker sees that it is to end


def main() -> int:
    """Load the model, then open the port and keep workers running until SIGTERM; return the exit code."""
    signals = {signal.SIGTERM, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # they wait until somebody asks for them: none comes untimely
    faulthandler.register(signal.SIGURG)
    model = line.load(job.ML / "model")
    listener = open_port()
    leash = os.pipe()
    room = open_room()
    workers = [start(listener, model, room, leash) for _ in range(cpus())]
    while signal.sigwait(signals) == signal.SIGCHLD:
        replace_dead(workers, lambda: start(listener, model, room, leash))
    for worker in workers:
        os.kill(worker, signal.SIGTERM)
    for worker in workers:
        os.waitpid(worker, 0)
    return 0


def open_port() -> socket.socket:
    """Return the listening socket, on SAGEMAKER_BIND_TO_PORT where that is set (I7)."""
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    return socket.create_server(("", port), backlog=BACKLOG)


def open_room() -> Semaphore:
    """Return what lets in as many requests as may be worked on or wait (Q3)."""
    return multiprocessing.Semaphore(int(os.environ.get(WORKERS, cpus())) + int(os.environ.get(QUEUE, "128")))


def cpus() -> int:
    """Return how many CPUs this container may use, which its cgroup says, of version 2 or 1 (I21)."""
    machine = os.cpu_count() or 1
    for group, names in (
        ("/sys/fs/cgroup", ["cpu.max"]),
        ("/sys/fs/cgroup/cpu", ["cpu.cfs_quota_us", "cpu.cfs_period_us"]),
    ):
        if all(Path(group, name).exists() for name in names):
            quota, period = " ".join(Path(group, name).read_text() for name in names).split()
            return machine if quota in ("max", "-1") else max(1, min(machine, int(quota) // int(period)))
    return machine


def start(listener: socket.socket, model: line.Line, room: Semaphore, leash: tuple[int, int]) -> int:
    """Start a worker; return its process number."""
    worker = os.fork()
    if not worker:
        work(listener, model, room, leash)
        os._exit(0)
    return worker


def replace_dead(workers: list[int], start_one) -> None:
    """Start a new worker for each that has died (I9)."""
    for number, worker in enumerate(workers):
        if os.waitpid(worker, os.WNOHANG) != (0, 0):
            workers[number] = start_one()


def work(listener: socket.socket, model: line.Line, room: Semaphore, leash: tuple[int, int]) -> None:
    """Answer requests until SIGTERM, and then those that are under way (I5)."""
    threading.Thread(target=end_with_parent, args=[leash], daemon=True).start()
    server = Server(listener, model, room)
    threading.Thread(target=server.serve_forever, args=[POLL]).start()
    signal.sigwait({signal.SIGTERM})
    server.shutdown()
    server.server_close()


def end_with_parent(leash: tuple[int, int]) -> None:
    """End this worker when the first process, which alone holds the other end of the pipe, is gone (I9)."""
    reading, writing = leash
    os.close(writing)
    os.read(reading, 1)
    os._exit(1)


class Server(http.server.ThreadingHTTPServer):
    """Accepts connections that all workers are offered; each has a thread of its own, so that /ping waits for none."""

    daemon_threads = False  # server_close() waits for them

    def __init__(self, listener: socket.socket, model: line.Line, room: Semaphore):
        super().__init__(listener.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.model, self.room = model, room
        listener.setblocking(False)  # another worker may be quicker


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request. A connection for each is the plainest way, and none is left open when the server ends."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE
    server: Server

    def do_GET(self) -> None:
        """Answer /ping (I8) and /execution-parameters (B2)."""
        if self.path == "/ping":
            self.ping()
        elif self.path == "/execution-parameters":
            self.answer(200, json.dumps(execution_parameters()).encode(), "application/json")
        else:
            self.answer(404, b"there are /ping, /invocations and /execution-parameters\n")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Answer /invocations (I12)."""
        if self.path != "/invocations":
            self.do_GET()
            return
        try:
            body, content_type = self.predictions()
            self.answer(200, body, content_type)
        except formats.Refused as refused:
            self.answer(refused.status, f"{refused}\n".encode())
        except OSError:
            raise  # the client is gone
        except Exception:
            traceback.print_exc()
            self.answer(500, b"the server has failed; its log says why\n")

    def ping(self) -> None:
        """Say that the model is loaded: before that, the port is closed."""
        self.answer(200)

    def predictions(self) -> tuple[bytes, str]:
        """Return the answer to a request for predictions, and its format."""
        body = self.body()
        if not self.enter():
            raise formats.Refused(503, "too many requests wait already")
        try:
            return self.computed(body)
        finally:
            self.server.room.release()

    def enter(self) -> bool:
        """Return whether there is room for one more request (Q3)."""
        return self.server.room.acquire(block=False)

    def computed(self, body: bytes) -> tuple[bytes, str]:
        """Return the predictions for a body, and their format."""
        content_type = self.headers.get("Content-Type", "text/csv")
        places = formats.read(content_type, body)
        wanted = formats.answer_type(self.headers.get("Accept", "*/*"), content_type)
        return formats.WRITERS[wanted](line.predict(self.server.model, places)), wanted

    def body(self) -> bytes:
        """Return the body, which may come in chunks (B3)."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self.chunks())
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST:
            raise formats.Refused(413, f"the body has more than {LARGEST} bytes")
        body = self.rfile.read(length)
        if len(body) < length:
            raise formats.Refused(400, "the body is shorter than Content-Length says")
        return body

    def chunks(self):
        """Yield the chunks of a body."""
        left = LARGEST
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            left -= size
            if left < 0:
                raise formats.Refused(413, f"the body has more than {LARGEST} bytes")
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers, up to an empty line

    def answer(self, status: int, body: bytes = b"", content_type: str = "text/plain") -> None:
        """Send an answer."""
        self.send_response(status, HTTPStatus(status).phrase)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if status == 503:
            self.send_header("Retry-After", "1")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, *_) -> None:
        """Print nothing: pings come every few seconds."""


def execution_parameters() -> dict:
    """Return what batch transform may ask (B2)."""
    return {"MaxConcurrentTransforms": cpus(), "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}
