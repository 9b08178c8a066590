"""A server under load: which requests wait. SageMaker does not specify it; images of this template promise it."""

import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from .contract import INVOCATION, PAYLOAD
from .engines.base import Engine, Server
from .explain import fail
from .payloads import large
from .sample import Request, Sample
from .serving_runs import FirstStart, Serving
from .waits import WAITS

WORKERS, QUEUE = 2, 8
ENVIRONMENT = {"SAGEMAKER_MODEL_SERVER_WORKERS": str(WORKERS), "SAGEMAKER_MODEL_SERVER_QUEUE": str(QUEUE)}
# A long request takes LONG seconds at least, better AIM, and TIMES as long as a small one; its body is made as large as
# that needs.
LONG, AIM, TIMES = 0.2, 0.3, 20
FIRST_SIZE, LARGEST = 32 * 1024, PAYLOAD
FLOOD = WORKERS + QUEUE + 14  # requests at once
SLOW_CLIENTS = 100
TRIES = 3
REJECTED = (429, 503)


@dataclass(frozen=True)
class LongRequest:
    """A request that takes `seconds`, alone."""

    request: Request
    body: bytes
    seconds: float

    @property
    def half(self) -> bytes:
        """A body that takes about half as long, where it can be cut."""
        return large(self.request, len(self.body) // 2) if self.request.lines else self.body

    @property
    def words(self) -> str:
        """What it is, for messages."""
        return f"{len(self.body):,} bytes of {self.request.content_type}"


@pytest.fixture(scope="module")
def loaded_serving(engine: Engine, model: Path, sample: Sample, up: FirstStart) -> Serving:
    """Servers with two workers and a short queue."""
    return Serving(engine, model, sample, ENVIRONMENT, up.serving.read_only)


@pytest.fixture
def loaded(loaded_serving: Serving) -> Server:
    """A server with two workers and a short queue that answers."""
    return loaded_serving.live()


@pytest.fixture(scope="module")
def long_request(loaded_serving: Serving, sample: Sample, good: Request) -> LongRequest:
    """A request that keeps a worker busy: slow_request of sample.toml, or one that repeats lines of the sample."""
    server = loaded_serving.live()
    small = min(server.invoke(good).seconds for _ in range(3))
    least, wanted = (max(seconds, TIMES * small) for seconds in (LONG, AIM))
    requests = [sample.slow_request] if sample.slow_request else sample.in_lines()
    found = [grown(server, request, wanted) for request in requests]
    longest = max(found, key=lambda one: one.seconds, default=None)
    if longest is None or longest.seconds < least:
        pytest.skip(
            f"no request takes {least:.1f} s, however many lines it has: give one that does, slow_request under "
            "[serving] in sample/sample.toml"
        )
    return longest


def grown(server: Server, request: Request, wanted: float) -> LongRequest:
    """Return a request with so many lines that it takes as many seconds as are wanted, or with 25 MB."""
    if not request.lines:
        return LongRequest(request, request.body, quickest(server, request, request.body))
    size = FIRST_SIZE
    while True:
        body = large(request, size)
        seconds = quickest(server, request, body)
        if seconds >= wanted or size == LARGEST:
            return LongRequest(request, body, seconds)
        size = min(LARGEST, int(size * min(16, max(1.5, 1.2 * wanted / seconds))))


def quickest(server: Server, request: Request, body: bytes) -> float:
    """Return the seconds that a request takes when nothing else delays it."""
    return min(server.invoke(request, body).seconds for _ in range(2))


def at_once(calls: Iterable[Callable]) -> list:
    """Call all functions at the same time; return their results, in their order."""
    calls = list(calls)
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


@pytest.mark.clause("Q1")
def test_long_request_holds_nobody(promised, loaded, long_request, good, figure):
    """While one of two workers is busy with a long request, the other answers small ones, on any connection."""
    kept = [loaded.keep_connection() for _ in range(2)]
    at_once([lambda one=one: loaded.invoke(good, kept=one) for one in kept])
    tries, held = [], []
    for _ in range(TRIES):
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(loaded.invoke, long_request.request, long_request.body)
            time.sleep(long_request.seconds / 5)
            answers = at_once([lambda one=one: loaded.invoke(good, kept=one) for one in [*kept, None, None, None]])
            long = waiting.result()
        slowest = max(answers, key=lambda answer: answer.seconds)
        tries.append((slowest.seconds, long.seconds))
        # What it took at first says less: the machine may have had other work, then or now.
        if not slowest.ok or (long.ok and slowest.seconds > long.seconds / 2):
            held.append(slowest)
    for connection in kept:
        connection.close()
    if len(held) > 1:  # once may be chance
        wait, took = max(tries)
        fail(
            f"Small requests wait for a long one, though one of {WORKERS} workers is idle: the slowest of them took "
            f"{wait:.2f} s, and the long one {took:.2f} s.",
            sent=f"{long_request.words}, and meanwhile\n{held[0].sent}",
            got=held[0].got,
            advice="Let only idle workers accept connections and take requests: keep one queue for all workers.",
        )
    wait, took = min(tries)
    figure("small requests beside a long one", f"{wait * 1000:.0f} ms (of {took * 1000:.0f} ms)")


@pytest.mark.clause("Q2")
def test_slow_clients_hold_nobody(promised, loaded, good, figure):
    """Clients that have sent only half of their body do not delay others."""
    head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: {good.content_type}\r\nContent-Length: "
    half = f"{head}{2 * len(good.body)}\r\n\r\n".encode() + good.body
    clients, answers = [], []
    try:
        for _ in range(SLOW_CLIENTS):
            clients.append(socket.create_connection(loaded.address, WAITS.others))
            clients[-1].sendall(half)
        headers = {"Content-Type": good.content_type, "Accept": good.accept}
        for _ in range(2 * WORKERS):
            answers.append(loaded.request("POST", "/invocations", headers, good.body, timeout=WAITS.others))
            if not answers[-1].ok:
                break
    finally:
        for client in clients:
            client.close()
    answer = answers[-1]
    if not answer.ok:
        fail(
            f"While {SLOW_CLIENTS} clients have sent only half of their requests, that of another is not answered.",
            sent=f"{SLOW_CLIENTS} times {half[:200]!r}, and then\n{answer.sent}",
            got=f"{answer.got}\n{loaded.got}",
            advice="Read the whole request before a worker gets it: in a proxy in front of them, or in an event loop.",
        )
    figure(f"a request beside {SLOW_CLIENTS} slow clients", f"{answer.seconds * 1000:.0f} ms")


@pytest.mark.clause("Q3")
def test_full_queue(promised, loaded, long_request, figure):
    """When the queue is full, further requests are rejected at once: 503 with Retry-After."""
    body = long_request.half
    answers = at_once([lambda: loaded.invoke(long_request.request, body)] * FLOOD)
    answered = [answer for answer in answers if answer.ok]
    rejected = [answer for answer in answers if answer.status in REJECTED]
    sent = f"{FLOOD} times at once {len(body):,} bytes of {long_request.request.content_type}, where {QUEUE} may wait"
    if others := [answer for answer in answers if not answer.ok and answer.status not in REJECTED]:
        fail(
            "When many requests come at once, one is neither answered nor rejected.",
            sent=sent,
            got=f"{others[0].got}\n{loaded.got}",
            advice="Let requests wait for a worker, and answer 503 with Retry-After where too many wait.",
        )
    if not rejected:
        fail(
            f"All of {FLOOD} requests at once were accepted: the queue has no limit, and under load every client waits "
            f"longer than SageMaker does ({INVOCATION} s).",
            sent=sent,
            got=f"{len(answered)} answers, the last after {max(answer.seconds for answer in answered):.2f} s",
            advice="Limit the queue (SAGEMAKER_MODEL_SERVER_QUEUE), and answer 503 with Retry-After beyond it.",
        )
    late = max(rejected, key=lambda answer: answer.seconds)
    if not answered or late.seconds > max(answer.seconds for answer in answered) or "retry-after" not in late.headers:
        fail(
            "When the queue is full, a request is not rejected at once with Retry-After, or those in the queue are not "
            "answered.",
            sent=sent,
            got=f"{len(answered)} of them answered\n{late.got}",
            advice="Answer 503 with Retry-After as soon as the queue is full, and those that wait in their turn.",
        )
    figure("rejected by a full queue", f"{len(rejected)} of {FLOOD}, after {late.seconds:.2f} s at most")
