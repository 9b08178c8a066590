"""Compares servers in interleaved rounds, so that what else the machine does meets all of them alike."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from measure import Load, Server, Side

CONNECTIONS = (1, 8)


def speed(
    contenders: Sequence[Side],
    row: str,
    rounds: int,
    seconds: int,
    connections: Sequence[int] = CONNECTIONS,
    digits: int = 9,
    warm_up: int = 1,
) -> dict:
    """Measure load and memory of all sides: name -> {"c1": Load as dict, "c8": …, "memory_mb": …}.

    `warm_up` is how many seconds of load go before the rounds that count. Raises RuntimeError unless all give the same
    answer to the row, to so many digits behind the point.
    """
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(side)) for side in contenders]
        answers = {server.side.name: server.invoke(row.encode())[:2] for server in servers}
        if len({numbers(answer, digits) for answer in answers.values()}) != 1:
            raise RuntimeError(f"the sides do not serve the same model: {answers}")
        runs: dict[str, dict[int, list[Load]]] = {s.name: {c: [] for c in connections} for s in contenders}
        for number in range(rounds + 1):  # the first one warms up
            for count in connections:
                for server in servers:
                    load = server.load(row, count, seconds if number else warm_up)
                    if number:
                        runs[server.side.name][count].append(load)
        memory = {server.side.name: server.memory() for server in servers}
    return {
        name: {f"c{c}": middle(loads) for c, loads in by_connections.items()} | {"memory_mb": memory[name]}
        for name, by_connections in runs.items()
    }


def numbers(answer: tuple[int, bytes], digits: int) -> tuple:
    """An answer as its status and its fields, numbers rounded: sides may write them differently."""
    status, body = answer
    fields = re.split(r"[,\s]+", body.decode().strip())
    return status, *(round(float(f), digits) if re.fullmatch(r"[-+.\de]+", f) else f for f in fields)


def middle(loads: list[Load]) -> dict[str, float]:
    """The medians of what several runs of wrk saw."""
    return {key: median(getattr(load, key) for load in loads) for key in ("rate", "p50", "p99", "cpu", "others")}


def starts(contenders: Sequence[Side], rounds: int) -> dict[str, float]:
    """Measure the seconds from the start to the first 200 on /ping: name -> median of at least five."""
    seconds: dict[str, list[float]] = {side.name: [] for side in contenders}
    for _ in range(max(rounds, 5)):
        for side in contenders:
            with Server(side) as server:
                seconds[side.name].append(server.start_seconds)
    return {name: median(values) for name, values in seconds.items()}
