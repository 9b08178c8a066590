"""The server as a client meets it: one queue, clients that are slow, predictions that hang, workers that die."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead
from types import SimpleNamespace

import pytest

from runtime.serving.supervisor import Supervisor
from runtime.tests.programs import make_project, running

# What is predicted is how long it takes.
ALGORITHM = """
import os
import signal
import time

def model_fn(folder):
    return None

def predict(model, features):
    what = features[0, 0]
    if what == -1:  # hangs, and cannot be interrupted, as C code can be
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    if what == -2:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(what if what >= 0 else 600)
    return what

def output_fn(what, accept):
    return chunks() if what == 0.5 else str(what)

def chunks():
    yield b"first"
    time.sleep(0.5)
    yield b"second"
    raise RuntimeError("no third")
"""
TIMEOUT = 2
WORKERS, QUEUE = 2, 3
ID = "X-Amzn-SageMaker-Inference-Id"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """The server of that algorithm: its port, and the lines of its log so far."""
    project = make_project(tmp_path_factory.mktemp("server") / "project", ALGORITHM)
    port = free_port()
    variables = {
        "BIND_TO_PORT": port,
        "MAX_PAYLOAD_IN_MB": 1,
        "MODEL_SERVER_WORKERS": WORKERS,
        "MODEL_SERVER_QUEUE": QUEUE,
        "MODEL_SERVER_TIMEOUT_SECONDS": TIMEOUT,
    }
    named = {f"SAGEMAKER_{name}": str(value) for name, value in variables.items()}
    with running(project, "runtime/serve", **named) as process:
        log = []
        reader = threading.Thread(target=lambda: log.extend(process.stdout))
        reader.start()
        try:
            wait_for(lambda: ping(port) == 200)
            yield SimpleNamespace(port=port, log=log)
        finally:
            process.terminate()
            reader.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(true) -> None:
    """Wait until a function returns something true; it may raise OSError."""
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def ask(port: int, body: str, connection: HTTPConnection | None = None, **headers: str) -> SimpleNamespace:
    """Ask for a prediction, on a connection of its own where none is given."""
    used = connection or HTTPConnection("127.0.0.1", port, timeout=60)
    started = time.monotonic()
    used.request("POST", "/invocations", body, {"Content-Type": "text/csv", **headers})
    answer = used.getresponse()
    text = answer.read().decode()
    if connection is None:
        used.close()
    return SimpleNamespace(status=answer.status, text=text, headers=answer.headers, seconds=time.monotonic() - started)


def ping(port: int) -> int:
    """Return the status of /ping."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/ping")
    return connection.getresponse().status


def test_while_a_worker_is_idle_no_request_waits(server):
    kept = [HTTPConnection("127.0.0.1", server.port, timeout=60) for _ in range(2)]
    assert [ask(server.port, "0", one).status for one in kept] == [200] * 2
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, server.port, "1.5")
        time.sleep(0.2)
        fast = [ask(server.port, "0", one) for one in [*kept * 4, *[None] * 8]]
        assert not slow.done()
        assert {one.status for one in fast} == {200}
        assert slow.result().status == 200


def test_clients_that_send_slowly_hold_nothing(server):
    half = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 100\r\n\r\n0\n"
    held = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(100)]
    for connection in held:
        connection.sendall(half)
    assert ask(server.port, "0").status == 200  # all others would have to end first, and never do
    assert ping(server.port) == 200
    for connection in held:
        connection.close()


def test_predictions_that_take_too_long_are_ended(server):
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(ask, server.port, "9", **{ID: "slow"})
        stuck = pool.submit(ask, server.port, "-1", **{ID: "stuck"})
        time.sleep(0.2)
        assert ping(server.port) == 200
        assert slow.result().status == 504
        limit = "longer than 2 s, the limit (SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS)"
        assert limit in json.loads(slow.result().text)["error"]
        assert stuck.result().status == 500
        assert "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS" in json.loads(stuck.result().text)["error"]
    assert ask(server.port, "0").status == 200
    said = "".join(server.log)
    assert "request slow: POST /invocations 504: the prediction took longer" in said
    assert "time.sleep(" in said, "where it was is missing"
    assert "request stuck: the prediction takes longer than 2 s" in said


def test_when_a_worker_dies_its_request_alone_fails_at_once(server):
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(ask, server.port, "1")
        time.sleep(0.2)
        dead = ask(server.port, "-2", **{ID: "id-7"})
        assert (dead.status, json.loads(dead.text)["request_id"]) == (500, "id-7")
        assert not other.done()
        assert other.result().status == 200
    assert ask(server.port, "0").status == 200
    wait_for(lambda: any("request id-7: worker " in line and "was killed by SIGKILL" in line for line in server.log))


def test_too_many_that_wait_are_sent_away_at_once(server):
    with ThreadPoolExecutor(WORKERS + QUEUE) as pool:
        let_in = [pool.submit(ask, server.port, "0.9") for _ in range(WORKERS + QUEUE)]
        time.sleep(0.4)
        sent_away = ask(server.port, "0")
        assert not any(one.done() for one in let_in)
        assert (sent_away.status, sent_away.headers["Retry-After"]) == (503, "1")
        assert "3 requests are waiting already" in json.loads(sent_away.text)["error"]
        assert {one.result().status for one in let_in} == {200}


def test_who_has_gone_away_is_not_computed_for(server):
    request = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 3\r\n\r\n1.5"
    with ThreadPoolExecutor(WORKERS) as pool:
        slow = [pool.submit(ask, server.port, "0.9") for _ in range(WORKERS)]
        time.sleep(0.2)
        for _ in range(QUEUE):
            with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
                connection.sendall(request)
                time.sleep(0.1)
        assert not any(one.done() for one in slow)
        assert ask(server.port, "0").seconds < 1.5


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server):
    announced = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 2000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(announced)
        assert b" 413 " in connection.recv(1000).split(b"\r\n")[0]
    chunk = b"100000\r\n" + b"1" * 0x100000 + b"\r\n"
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(head + chunk + chunk)
        assert b" 413 " in connection.recv(1000).split(b"\r\n")[0]


def test_an_answer_in_chunks_comes_chunk_by_chunk_and_its_failure_shows(server):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/invocations", "0.5", {"Content-Type": "text/csv", ID: "chunks"})
    answer = connection.getresponse()
    assert answer.read1() == b"first"
    with pytest.raises(IncompleteRead) as caught:
        answer.read()
    assert caught.value.partial == b"second"
    wait_for(lambda: "RuntimeError: no third\n" in server.log)


def test_what_is_no_invocation_is_refused(server):
    for method, path, status in [("GET", "/invocations", 405), ("GET", "/nowhere", 404)]:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request(method, path)
        answer = connection.getresponse()
        assert (answer.status, "error" in json.load(answer)) == (status, True), path
        assert status != 405 or answer.headers["Allow"]


def test_workers_that_only_die_end_the_server(tmp_path):
    project, port = make_project(tmp_path / "project", ALGORITHM), free_port()
    variables = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
    with running(project, "runtime/serve", **variables) as process:
        wait_for(lambda: ping(port) == 200)
        for _ in range(3):
            assert ask(port, "-2").status == 500
        said = process.communicate(timeout=30)[0]  # which ends when nginx has ended, too
        assert process.returncode == 1
        assert "cannot serve: a worker died 3 times within 10 seconds" in said


def test_a_worker_that_is_answering_while_it_is_looked_at_is_not_overdue():
    class Slot:
        """Busy at the first look, idle at the second."""

        looks = iter([time.monotonic(), 0.0])
        since = property(lambda self: next(self.looks))

    supervisor = SimpleNamespace(settings=SimpleNamespace(timeout=TIMEOUT))
    assert not Supervisor._overdue(supervisor, Slot())


# The worker that comes after the first one cannot load its model.
UNWELL = """
import sys
import time
from runtime import framework
from runtime.serving import program, supervisor

framework.LOADS_IN_WORKERS = True
supervisor.PATIENCE = 1
sys.exit(program.main())
"""
LOADS_ONCE = """
import os
import signal
import time

def model_fn(folder):
    marker = os.path.join(folder, "loaded")
    if os.path.exists(marker):
        print("loading again", flush=True)
        time.sleep(600)
    os.mkdir(folder)
    open(marker, "w").close()

def predict(model, features):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_ping_says_503_when_no_worker_has_been_able_to_answer_and_nothing_outlives_the_server(tmp_path):
    project, port = make_project(tmp_path / "project", LOADS_ONCE), free_port()
    variables = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
    with running(project, "-c", UNWELL, **variables) as process:
        wait_for(lambda: ping(port) == 200)
        assert ask(port, "1").status == 500
        assert ping(port) == 200
        wait_for(lambda: ping(port) == 503)
        process.kill()
        # It ends when all that write to it have: the worker that loads, too, and nginx.
        assert "loading again" in process.communicate(timeout=30)[0]
