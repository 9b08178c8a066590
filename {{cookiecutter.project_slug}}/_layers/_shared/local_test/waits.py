"""How long local_test waits, in seconds. SageMaker's own limits have their clauses."""

from dataclasses import dataclass, fields

from . import contract


@dataclass
class Waits:
    """The waits of a run."""

    training: float = 3600.0  # for the sample's job
    going: float = 60.0  # for the first metric or checkpoint of a long job
    second_sign: float = 10.0  # for the second of the two, after the first
    endless: float = 120.0  # for a job that should end at once
    no_network: float = 5.0  # that a job may take longer without a network
    stop_training: float = contract.STOP_TRAINING  # for the end of a job after SIGTERM (T4)
    checkpoint: float = 0.5  # before the kill: the first file that is seen may be one that is still being written
    first_host_late: float = 3.0  # during which the name of the first host does not resolve (T42)
    host_gone: float = 60.0  # for the end of the other hosts after one has failed
    idle_hosts: float = 1.0  # for the end of hosts with nothing to do, once the first one is training
    healthy: float = 480.0  # for the first 200 on /ping (I8)
    second_chance: float = 15.0  # for an answer of a server that was healthy too early
    another_start: float = 5.0  # for another start of a server, on top of twice the time of the first
    ping: float = 2.0  # for an answer to /ping (I8)
    invocation: float = contract.INVOCATION  # for an answer to /invocations (I13)
    stalled: float = 5.0  # for an answer to a sample request, which is asked again to see what it takes
    busy: float = 1.5  # during which clients keep a server busy
    others: float = 2.0  # for an answer beside clients that send slowly
    half_way: float = 0.3  # between the halves of a request and the signal between them
    stop_serving: float = contract.STOP_SERVING  # for the end of a server after SIGTERM (I5)
    recovery: float = 15.0  # for an answer of a server whose workers were killed
    processing: float = 300.0  # for a Processing job
    silence: float = 10.0  # before a check says what it waits for, and between repetitions


# For a container that answers at once and has one known defect: a hang costs seconds.
SHORT = Waits(
    training=20.0,
    going=8.0,
    second_sign=1.0,
    endless=4.0,
    no_network=1.5,
    stop_training=3.0,
    checkpoint=0.1,
    first_host_late=0.5,
    host_gone=4.0,
    idle_hosts=0.5,
    healthy=8.0,
    second_chance=3.0,
    another_start=2.0,
    ping=1.5,
    invocation=6.0,
    stalled=2.0,
    busy=0.5,
    others=1.0,
    half_way=0.1,
    stop_serving=5.0,
    recovery=3.0,
    processing=10.0,
    silence=1.0,
)

WAITS = Waits()


def shorten() -> None:
    """Let the run wait no longer than SHORT says (--short-waits)."""
    for one in fields(Waits):
        setattr(WAITS, one.name, getattr(SHORT, one.name))
