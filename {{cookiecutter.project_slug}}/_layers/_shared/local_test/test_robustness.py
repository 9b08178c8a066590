"""Servers under SageMaker's constraints, after SIGTERM, and after a kill."""

import http.client
import signal
import time

import pytest

from .contract import STOP_SERVING
from .engines.base import Constraints, Server, leaves, workers
from .explain import fail
from .sample import Request
from .startup import Startup, bring_up
from .waits import WAITS

SERVERLESS = Constraints(
    "--read-only --tmpfs /tmp --user 12345:12345", {"read_only": True, "tmpfs": {"/tmp": ""}, "user": "12345:12345"}
)
SMALL = Constraints("--cpus 1 --memory 1g", {"nano_cpus": 10**9, "mem_limit": "1g"})


@pytest.mark.clause("I3")
def test_model_folder_is_left_alone(up, server, sample):
    """The server writes nothing under /opt/ml/model, which is read-only on SageMaker."""
    if up.refused:
        refused = up.refused
        answer = f"\n{refused.first.got}" if refused.first else ""
        fail(
            "With a read-only model folder the server does not answer; it does when it may write there.",
            sent=f"{refused.server.command}\nwith /opt/ml/model mounted read-only",
            got=f"{refused.server.got}{answer}",
            advice="Write caches and unpacked files to /tmp.",
        )
    for request in sample.requests:
        server.invoke(request)
    if changed := server.model_changes():
        fail(
            "The server wrote under /opt/ml/model; on SageMaker that is read-only and the write would fail.",
            sent=f"{server.command}\nand the sample's requests",
            got="\n".join(changed[:10]),
            advice="Write caches and unpacked files to /tmp.",
        )


def expect_to_serve(startup: Startup, what: str, advice: str) -> None:
    """Fail unless a server came up and answered."""
    if not startup.good:
        answer = f"\n{startup.first.got}" if startup.first else ""
        fail(what, sent=startup.server.command, got=f"{startup.server.got}{answer}", advice=advice)


@pytest.mark.clause("I20")
def test_serverless(docker, model, sample, up):
    """The server works as on a serverless endpoint: all but /tmp is read-only, and the user is not root."""
    if up.refused:
        pytest.skip("because the server writes to its model folder (I3)")
    server = docker.serve(model, constraints=SERVERLESS)
    try:
        expect_to_serve(
            bring_up(server, sample.requests),
            "The server does not work on a read-only root file system as user 12345.",
            "Make the code readable for all (chmod -R o+rX), write to /tmp only, and let the model's files be "
            "readable for others.",
        )
    finally:
        server.remove()


@pytest.mark.clause("I20", "I21")
def test_small_machine(docker, model, sample, up, server, figure):
    """With 1 CPU and 1 GB the server works, with no more workers than that CPU can use."""
    host_cpus = docker.cpus
    small = docker.serve(model, read_only=up.serving.read_only, constraints=SMALL)
    try:
        expect_to_serve(
            bring_up(small, sample.requests),
            "The server does not work with 1 CPU and 1 GB of memory.",
            "Take the number of workers from the cgroup and load the model once, before forking.",
        )
        usual, few = workers(server.processes()), workers(small.processes())
        figure("workers", f"{max(usual, 1)} on {host_cpus} CPUs, {max(few, 1)} on 1 CPU")
        if few >= usual >= host_cpus > 1:
            fail(
                f"The server starts {few} workers on 1 CPU because the machine has {host_cpus}.",
                sent=small.command,
                got="\n".join(f"{one.pid} {one.command}" for one in small.processes()),
                advice="Take the number of workers from the cgroup (cpu.max), not from the machine's CPUs.",
            )
    finally:
        small.remove()


@pytest.mark.clause("I5")
def test_sigterm_drains(disposable_server, good, stop_within, figure):
    """After SIGTERM the server answers the request that is under way, and exits within 30 s."""
    server = disposable_server
    body = good.body
    sent = f"POST /invocations, half of {body!r}, then SIGTERM, then the other half"
    connection = server.keep_connection()
    connection.putrequest("POST", "/invocations")
    for name, value in (("Content-Type", good.content_type), ("Accept", good.accept)):
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[: len(body) // 2])
    time.sleep(WAITS.half_way)
    told = server.seconds
    server.signal(signal.SIGTERM)
    time.sleep(WAITS.half_way)
    try:
        connection.send(body[len(body) // 2 :])
        status = connection.getresponse().status
        problem = None if 200 <= status < 300 else f"status {status}"
    except (OSError, http.client.HTTPException) as error:
        problem = f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    limit = stop_within(WAITS.stop_serving)
    ended = server.wait(max(0.0, limit - (server.seconds - told)))
    took = server.seconds - told
    got, code = server.got, server.exit_code
    server.remove()
    if problem and ended and code == -signal.SIGTERM:
        problem += "; SIGTERM killed the server because it does not handle it"
    if problem:
        fail(
            "A request that was under way when SIGTERM came is not answered.",
            sent=sent,
            got=f"{problem}\n{got}",
            advice="On SIGTERM stop accepting, answer what is under way, then exit.",
        )
    if not ended:
        fail(
            f"The server did not end within {limit:.0f} s of SIGTERM; SageMaker kills it after {STOP_SERVING} s.",
            sent=sent,
            got=got,
            advice="Handle SIGTERM. If a shell script starts the server, let it use `exec`, so that the server gets "
            "the signal.",
        )
    figure("end of serving after SIGTERM", f"{took:.1f} s")


def await_recovery(server: Server, request: Request) -> str | None:
    """Wait until a server without its workers answers again or has exited; return what is wrong if it does neither."""
    give_up = time.monotonic() + WAITS.recovery
    while True:
        ping = server.poll()
        answer = server.invoke(request)
        if server.exit_code is not None or (ping.status == 200 and answer.ok):
            server.unanswered.clear()  # some are to be expected meanwhile
            return None
        if time.monotonic() > give_up:
            return f"{ping.sent}\n{ping.got}\n\n{answer.sent}\n{answer.got}"
        time.sleep(0.1)


@pytest.mark.clause("I9")
def test_killed_workers(disposable_server, good, figure):
    """When its workers are killed, the server recovers or exits; it never keeps running without answering."""
    server = disposable_server
    workers = leaves(server.processes())
    if not workers:
        server.remove()
        pytest.skip("the server is a single process, or the image has no shell to look at processes with")
    if reason := server.signal_all(workers, signal.SIGKILL):
        pytest.skip(f"the workers cannot be killed in this image: {reason}")
    killed = time.monotonic()
    still_wrong = await_recovery(server, good)
    took = time.monotonic() - killed
    got = server.got
    server.remove()
    if still_wrong:
        fail(
            f"{WAITS.recovery:.0f} s after its workers were killed, as the kernel does when memory is short, the "
            "server neither answers nor has exited.",
            sent="\n".join(["kill -9 of", *(f"{worker.pid} {worker.command}" for worker in workers)]),
            got=f"{still_wrong}\n{got}",
            advice="Let the main process start new workers, or exit when one is gone: SageMaker then replaces it.",
        )
    figure("recovery of killed workers", f"{took:.1f} s")


@pytest.mark.clause("I9")
def test_killed_server(disposable_server):
    """When the main process is killed, the workers stop answering, too."""
    server = disposable_server
    server.signal(signal.SIGKILL)
    give_up = time.monotonic() + WAITS.recovery
    while (answer := server.poll()).status and time.monotonic() < give_up:
        time.sleep(0.1)
    got = server.got
    server.remove()
    if answer.status:
        fail(
            f"{WAITS.recovery:.0f} s after the main process was killed, another process still answers /ping.",
            sent=f"kill -9 of the main process\n{answer.sent}",
            got=f"{answer.got}\n{got}",
            advice="Let the workers exit when their parent is gone.",
        )
