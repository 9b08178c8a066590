"""Measures one server: start, speed, answers, memory. Linux only: wrk and /proc."""

import http.client
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from common.processes import children_seconds, cpu_seconds, machine_seconds, pss, start, tree

SCRIPT = Path(__file__).resolve().parent / "post.lua"
START_SECONDS = 60
STOP_SECONDS = 30
QUIET = 0.1  # a run during which others took more of the machine's CPU time than this is done again
TRIES = 4


@dataclass(frozen=True)
class Side:
    """One of the servers that are compared: how it is started, on which port, with which variables."""

    name: str
    command: tuple[str, ...]
    port: int
    environment: dict[str, str]
    folder: Path


@dataclass(frozen=True)
class Load:
    """What wrk saw: requests per second, and the median and 99th percentile of the answers in milliseconds.

    `cpu` is the server's CPU time per request in microseconds, `others` the share of the machine's CPU time that
    neither the server nor wrk used.
    """

    rate: float
    p50: float
    p99: float
    cpu: float
    others: float


class Server:
    """A running side; a context manager that returns with its first 200 on /ping, the model being loaded."""

    def __init__(self, side: Side):
        self.side = side

    def __enter__(self) -> "Server":
        """Start it. Raises RuntimeError where it does not come up."""
        side = self.side
        started = time.perf_counter()
        self.process = start(side.command, side.folder, side.environment)
        try:
            while ping(side.port) != 200:
                if self.process.poll() is not None or time.perf_counter() - started > START_SECONDS:
                    raise RuntimeError(f"{side.name} does not start:\n{(side.folder / 'log.txt').read_text()}")
                time.sleep(0.002)
            self.started, self.start_seconds = started, time.perf_counter() - started
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, with a kill if it takes too long."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def invoke(self, body: bytes) -> tuple[int, bytes, float]:
        """Send one CSV body on a connection of its own; return the status, the answer and the seconds it took."""
        connection = http.client.HTTPConnection("127.0.0.1", self.side.port, timeout=120)
        started = time.perf_counter()
        try:
            connection.request("POST", "/invocations", body, {"Content-Type": "text/csv"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        return response.status, answer, time.perf_counter() - started

    def first_answer(self, body: bytes) -> float:
        """Wait for the first answer with status 200; return the seconds since the start."""
        while self.invoke(body)[0] != 200:
            if time.perf_counter() - self.started > START_SECONDS:
                raise RuntimeError(f"{self.side.name} does not answer")
            time.sleep(0.002)
        return time.perf_counter() - self.started

    def load(self, body: str, connections: int, seconds: int) -> Load:
        """Send one body again and again on keep-alive connections, if need be until the machine is quiet.

        Raises RuntimeError if any request fails or if none is answered.
        """
        loads = []
        while len(loads) < TRIES and (not loads or loads[-1].others > QUIET):
            loads.append(self.load_once(body, connections, seconds))
        return min(loads, key=lambda load: load.others)

    def load_once(self, body: str, connections: int, seconds: int) -> Load:
        """Run wrk once."""
        server, wrk, (busy, total) = self.cpu_seconds(), children_seconds(), machine_seconds()
        result = self.start_load(body, connections, seconds).communicate()[0]
        server, wrk = self.cpu_seconds() - server, children_seconds() - wrk
        busy, total = (after - before for after, before in zip(machine_seconds(), (busy, total), strict=True))
        requests, rate, p50, p99, failed = map(float, re.search(r"RESULT (.*)", result).group(1).split())
        if failed:
            raise RuntimeError(f"{self.side.name}: {failed:.0f} requests failed at {connections} connections")
        if not requests:
            raise RuntimeError(f"{self.side.name}: no answer within {seconds} s; give --seconds more")
        return Load(rate, p50, p99, cpu=server / requests * 1e6, others=max(0, busy - server - wrk) / total)

    def start_load(self, body: str, connections: int, seconds: int) -> subprocess.Popen:
        """Start wrk against the server."""
        url = f"http://127.0.0.1:{self.side.port}/invocations"
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "60", "-s", SCRIPT, url]
        return subprocess.Popen(command, env=os.environ | {"BODY": body}, stdout=subprocess.PIPE, text=True)

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process tree has used so far."""
        return sum(map(cpu_seconds, tree(self.process.pid)))

    def memory(self) -> float:
        """Return the proportional set size of the whole process tree in MB."""
        return sum(map(pss, tree(self.process.pid))) * 1024 / 1e6


def ping(port: int) -> int | None:
    """Return the status of one GET /ping on a connection of its own; None without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def ping_milliseconds(port: int, seconds: float, pause: float) -> list[float]:
    """Ping for some seconds, with a pause after each; return how long each took, in order of length."""
    took, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        if (status := ping(port)) != 200:
            raise RuntimeError(f"/ping was answered with {status}")
        took.append((time.perf_counter() - started) * 1000)
        time.sleep(pause)
    return sorted(took)
