"""Compares servers in interleaved rounds, so that what else the machine does meets all of them alike."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from common import results
from common.measure import Load, Server, Side

COLUMNS = {"requests/s": "rate", "p50 ms": "p50", "p99 ms": "p99", "CPU µs/request": "cpu"}
START = "start and memory"
OTHERS = "CPU time of others %"  # no ratio is made of it


def serving(
    contenders: Sequence[Side],
    row: str,
    rounds: int,
    seconds: int,
    connections: Sequence[int],
    digits: int = 9,
    warm_up: int = 1,
) -> dict[str, dict]:
    """Measure load, memory and start of all sides; return a table for each number of connections, and one for the rest.

    `row` is the body of each request, `seconds` the length of each run of wrk; `warm_up` is how many seconds of load go
    before the rounds that count. Raises RuntimeError unless all give the same answer to the row, to so many digits
    behind the point.
    """
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(side)) for side in contenders]
        answers = {server.side.name: server.invoke(row.encode())[:2] for server in servers}
        if len({numbers(answer, digits) for answer in answers.values()}) != 1:
            raise RuntimeError(f"the sides do not serve the same model: {answers}")
        runs: dict[int, dict[str, list[Load]]] = {c: {side.name: [] for side in contenders} for c in connections}
        for count in connections:
            for server in servers:
                server.start_load(row, count, warm_up).communicate()
        for _ in range(rounds):
            for count in connections:
                for server in servers:
                    runs[count][server.side.name].append(server.load(row, count, seconds))
        memory = {server.side.name: {"memory MB": server.memory()} for server in servers}
    start = {name: of | memory[name] for name, of in starts(contenders, row, rounds).items()}
    return {load_title(count): load_table(rounds, of) for count, of in runs.items()} | {
        START: results.table(rounds, start, results.ratios(start))
    }


def load_title(connections: int) -> str:
    """Return the heading of the table of a load."""
    return f"one row per request, {connections} kept-alive connection{'s'[: connections > 1]}"


def load_table(rounds: int, runs: dict[str, list[Load]]) -> dict:
    """Return the table of a load: the medians of what several runs of wrk saw."""
    rows = {
        name: {column: median(getattr(load, field) for load in loads) for column, field in COLUMNS.items()}
        for name, loads in runs.items()
    }
    others = {name: {OTHERS: median(load.others for load in loads) * 100} for name, loads in runs.items()}
    return results.table(rounds, {name: row | others[name] for name, row in rows.items()}, results.ratios(rows))


def starts(contenders: Sequence[Side], row: str, rounds: int) -> dict[str, dict[str, float]]:
    """Measure the seconds from the start to the first 200 on /ping and on /invocations: name -> medians.

    They differ for servers that say on /ping that they are well before they have loaded the model.
    """
    seconds: dict[str, list[tuple[float, float]]] = {side.name: [] for side in contenders}
    for _ in range(rounds):
        for side in contenders:
            with Server(side) as server:
                seconds[side.name].append((server.start_seconds, server.first_answer(row.encode())))
    return {
        name: {
            "first /ping s": median(ping for ping, _ in values),
            "first answer s": median(answer for _, answer in values),
        }
        for name, values in seconds.items()
    }


def numbers(answer: tuple[int, bytes], digits: int) -> tuple:
    """Return an answer as its status and its fields, numbers rounded: sides may write them differently."""
    status, body = answer
    fields = re.split(r"[,\s]+", body.decode().strip())
    return status, *(round(float(f), digits) if re.fullmatch(r"[-+.\de]+", f) else f for f in fields)
