"""A server comes up, stays reachable, and listens where it is told to."""

import selectors
import socket
import statistics
import threading
import time
from dataclasses import dataclass

import pytest

from . import archive
from .contract import MEGABYTE, PORT
from .engines.process import free_port, listeners
from .exchange import Exchange, listening
from .explain import fail
from .payloads import large
from .sample import Request, Sample
from .serving_runs import FirstStart
from .startup import POLL
from .waits import WAITS

ACCEPT_WITHIN = 0.25  # I11, seconds
CONNECTIONS = 64
BUSY_CLIENTS = 8
AT_ONCE = 0.1  # seconds for a ping, busy or not
# How SageMaker's pings look (I10): on endpoints, and in batch transform.
PING_HEADERS = (
    {"Host": f"model.aws.local:{PORT}", "User-Agent": "AHC/2.0"},
    {"Host": f"169.254.255.131:{PORT}", "User-Agent": "Go-http-client/1.1"},
)


@pytest.mark.clause("T31", "I3")
def test_model_survives_packing(trained):
    """The trained model can be packed as model.tar.gz: plain files, no symbolic links."""
    if links := archive.links(trained.folder / "model"):
        fail(
            "There are symbolic links in /opt/ml/model; they get lost on the way to the endpoint.",
            sent=trained.sent,
            got="\n".join(links[:10]),
            advice="Copy the files that the links point to into /opt/ml/model.",
        )


@pytest.mark.clause("I8")
def test_becomes_healthy(first_start, figure):
    """GET /ping returns 200 within 8 minutes of the start."""
    startup = first_start.startup
    if startup.healthy_after is None:
        ended = startup.server.exit_code is not None
        fail(
            f"The server exited instead of answering /ping: {startup.server.last_words}"
            if ended
            else f"/ping did not return 200 within {WAITS.healthy:.0f} s; SageMaker gives up on the endpoint then.",
            sent=f"{startup.server.command}\nGET /ping, over and over",
            got=startup.server.got,
            advice=f"Read the log above. The server must listen on 0.0.0.0, port {PORT} (or SAGEMAKER_BIND_TO_PORT), "
            "and find its model in /opt/ml/model.",
        )
    figure("time to first ping", f"{startup.healthy_after:.2f} s")


@pytest.mark.clause("I8", "I9")
def test_healthy_means_loaded(first_start, figure):
    """Once /ping returns 200 the model is loaded: the very next request is answered."""
    first = first_start.startup.first
    if first is None:
        pytest.skip("because the server never became healthy (I8)")
    if first_start.startup.answered_later:
        fail(
            "/ping returned 200 before the server could answer requests; SageMaker would have sent it traffic.",
            sent=f"GET /ping, and after its first 200:\n{first.sent}",
            got=f"{first.got}\n{first_start.startup.server.got}",
            advice="Load the model before you open the port, or answer /ping with 503 until it is loaded.",
        )
    figure("first request", f"{first.seconds * 1000:.0f} ms")


@pytest.mark.clause("I8", "I9")
def test_broken_model_is_never_healthy(engine, model, up):
    """A server whose model folder is empty or damaged never returns 200 on /ping."""
    if not archive.files(model):
        pytest.skip("the sample's model/ is empty: the image contains its model")
    damaged = engine.folder("damaged")
    for path in archive.files(model):
        target = damaged / path.relative_to(model)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"damaged by local_test\n")
    servers = {"damaged": engine.serve(damaged), "empty": engine.serve(engine.folder("empty"))}
    patience = 2 * up.startup.healthy_after + 2
    try:
        pending = dict(servers)
        while pending:
            for state, server in list(pending.items()):
                if server.poll().status == 200:
                    fail(
                        f"/ping returns 200 though the model folder is {state}: the server is healthy without a model.",
                        sent=f"{server.command}\nwith the files of /opt/ml/model "
                        + ("overwritten" if state == "damaged" else "missing")
                        + "\nGET /ping",
                        got=f"200 OK\n{server.got}",
                        advice="Load the model before you answer /ping with 200; if it cannot be loaded, print why and "
                        "exit with a non-zero code.",
                    )
                if server.exit_code is not None or server.seconds > patience:
                    del pending[state]
            time.sleep(POLL)
    finally:
        for server in servers.values():
            server.remove()


@pytest.mark.clause("I10")
def test_ping_from_sagemaker(server):
    """/ping answers to SageMaker's own host names."""
    for headers in PING_HEADERS:
        answer = server.request("GET", "/ping", headers, timeout=WAITS.ping)
        if answer.status != 200:
            fail(
                "/ping does not answer to a request as SageMaker sends it.",
                sent=answer.sent,
                got=answer.got,
                advice="Accept any Host and any User-Agent on /ping.",
            )


@pytest.mark.clause("I10")
def test_ping_by_head(promised, server):
    """/ping answers HEAD as well as GET."""
    answer = server.request("HEAD", "/ping", timeout=WAITS.ping)
    if answer.status != 200:
        fail(
            "/ping does not answer HEAD, which load balancers and monitors send.",
            sent=answer.sent,
            got=answer.got,
            advice="Answer HEAD as GET, without a body.",
        )


@dataclass(frozen=True)
class Busy:
    """What came back while clients kept a server busy: the pings, and the answers to their requests."""

    pings: list[Exchange]
    answers: list[Exchange]

    @property
    def slowest(self) -> Exchange:
        """The ping that took longest."""
        return max(self.pings, key=lambda ping: ping.seconds)

    @property
    def words(self) -> str:
        """What kept the server busy, for messages."""
        return f"while {BUSY_CLIENTS} clients sent {len(self.answers[0].sent_body):,} bytes each, over and over"


@pytest.fixture(scope="module")
def busy(up: FirstStart, sample: Sample, good: Request) -> Busy:
    """A server is pinged while clients keep it busy."""
    server = up.serving.live()
    request = sample.line_request() or good
    body = large(request, 2 * MEGABYTE) if request.lines else request.body
    until = time.monotonic() + WAITS.busy
    answers = []

    def keep_busy() -> None:
        while time.monotonic() < until:
            answers.append(server.invoke(request, body))

    clients = [threading.Thread(target=keep_busy) for _ in range(BUSY_CLIENTS)]
    for client in clients:
        client.start()
    pings = []
    while time.monotonic() < until or any(client.is_alive() for client in clients):
        pings.append(server.request("GET", "/ping", timeout=WAITS.ping))
        time.sleep(0.05)
    return Busy(pings, answers)


@pytest.mark.clause("I8", "I9")
def test_ping_while_busy(busy, figure):
    """/ping returns 200 within 2 s while the server works on many large requests."""
    bad = [ping for ping in busy.pings if ping.status != 200]
    if bad:
        fail(
            f"{len(bad)} of {len(busy.pings)} pings failed while {BUSY_CLIENTS} clients kept the server busy; "
            "SageMaker replaces instances whose pings fail.",
            sent=f"{bad[0].sent}\n{busy.words}",
            got=bad[0].got,
            advice="Keep a thread or a process free for /ping; it must not queue behind /invocations.",
        )
    figure("slowest ping under load", f"{busy.slowest.seconds * 1000:.0f} ms")


@pytest.mark.clause("Q5")
def test_ping_at_once(promised, busy):
    """/ping answers at once while the server works on many large requests."""
    if any(ping.status != 200 for ping in busy.pings):
        pytest.skip("because pings fail (I8)")
    usual, working = (statistics.median(one.seconds for one in some) for some in (busy.pings, busy.answers))
    if usual > max(AT_ONCE, working / 2):  # everything takes longer on a busy machine
        fail(
            f"While {BUSY_CLIENTS} clients keep the server busy, half of the pings take {usual:.2f} s or longer, and a "
            f"request takes {working:.2f} s; under more load pings would fail.",
            sent=f"{busy.slowest.sent}\n{busy.words}",
            got=busy.slowest.got,
            advice="Do not let /ping wait for what a worker holds, such as the model or its lock.",
        )


@pytest.mark.clause("I11")
def test_accepts_connections_quickly(server, figure):
    """Many connections at once are each accepted within 250 ms."""
    address = server.own_address
    if not address or not listening(address):
        pytest.skip("because Docker accepts the connections for the server here; try it with ENGINE=process")
    selector = selectors.DefaultSelector()
    started = time.monotonic()
    sockets = []
    for _ in range(CONNECTIONS):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(address)
        selector.register(connection, selectors.EVENT_WRITE, connection)
        sockets.append(connection)
    waits: list[float] = []
    while len(waits) < CONNECTIONS and time.monotonic() - started < 5:
        for key, _ in selector.select(0.1):
            if key.data.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                waits.append(time.monotonic() - started)
            selector.unregister(key.fileobj)
    for connection in sockets:
        connection.close()
    slowest = max(waits, default=5.0)
    if len(waits) < CONNECTIONS or slowest > ACCEPT_WITHIN:
        fail(
            f"Not all of {CONNECTIONS} connections were accepted within {ACCEPT_WITHIN * 1000:.0f} ms.",
            sent=f"{CONNECTIONS} TCP connections at once",
            got=f"{len(waits)} accepted, the slowest after {slowest * 1000:.0f} ms\n{server.got}",
            advice="Give the listening socket a longer backlog (128 or more).",
        )
    figure(f"accepting {CONNECTIONS} connections", f"{slowest * 1000:.0f} ms")


@pytest.mark.clause("I7")
def test_bind_to_port(engine, up):
    """SAGEMAKER_BIND_TO_PORT moves the server to another port."""
    port = str(free_port())  # in a container any port is free
    server = engine.serve(up.serving.model, {"SAGEMAKER_BIND_TO_PORT": port}, read_only=up.serving.read_only)
    try:
        give_up = 2 * up.startup.healthy_after + WAITS.another_start
        while server.exit_code is None and server.seconds < give_up:
            if server.poll().status == 200:
                break
            time.sleep(POLL)
        else:
            fail(
                "The server does not answer on the port that SAGEMAKER_BIND_TO_PORT names; it could not be part of "
                "an inference pipeline.",
                sent=f"{server.command}\nGET /ping on port {port}",
                got=server.got,
                advice=f"Listen on SAGEMAKER_BIND_TO_PORT when it is set, else on {PORT}.",
            )
        # The earlier server may hold the port, so that this one could not have it.
        processes = [*server.processes(), *up.serving.startup.server.processes()]
        if engine.name == "process" and listeners(PORT) & {process.pid for process in processes}:
            fail(
                f"The server listens on port {PORT} as well as on the port that SAGEMAKER_BIND_TO_PORT names.",
                sent=server.command,
                got=f"port {PORT} accepts connections",
                advice=f"Listen on SAGEMAKER_BIND_TO_PORT only: {PORT} may belong to another container.",
            )
    finally:
        server.remove()
