"""Waits until a server answers, and records how it came up."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from .engines.base import Server
from .exchange import Exchange
from .progress import at_most, doing
from .sample import Request
from .waits import WAITS

POLL = 0.02  # seconds between two pings: a server that is healthy too early is seen by looking often
IN_A_ROW = 15  # answers that show that each of several workers is ready


@dataclass
class Startup:
    """How a server came up. `healthy_after` is the time of the first 200 on /ping, in seconds; None: it never came.

    `first` is the first sample request, sent at once after that; `answered_later` says that it was refused then and
    answered later. `good` is a sample request that the server answers; None: it answers none.
    """

    server: Server
    healthy_after: float | None = None
    first: Exchange | None = None
    answered_later: bool = False
    good: Request | None = None


def await_ping(server: Server) -> float | None:
    """Ping until 200; return seconds since the start, None if it ended or SageMaker would have given up (I8)."""
    with doing(f"waiting for GET /ping to return 200, {at_most(WAITS.healthy)}"):
        while server.exit_code is None and server.seconds < WAITS.healthy:
            if server.poll().status == 200:
                return server.seconds
            time.sleep(POLL)
    server.wait(0)
    return None


def bring_up(server: Server, requests: Sequence[Request]) -> Startup:
    """Wait for the first 200 on /ping, then send the requests at once, and again until one of them is answered."""
    startup = Startup(server, healthy_after=await_ping(server))
    if startup.healthy_after is None:
        return startup
    startup.first = server.invoke(requests[0])
    if startup.first.ok:
        startup.good = requests[0]
        return startup
    give_up = time.monotonic() + WAITS.second_chance
    in_a_row = 0
    while in_a_row < IN_A_ROW and server.exit_code is None and time.monotonic() < give_up:
        startup.good = next((request for request in requests if server.invoke(request).ok), None)
        in_a_row = in_a_row + 1 if startup.good else 0
        time.sleep(0.1)
    startup.answered_later = startup.good is requests[0]
    return startup
