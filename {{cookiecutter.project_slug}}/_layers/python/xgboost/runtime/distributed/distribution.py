"""Training on several hosts by XGBoost's own collective (contract T42): each has its rows, all get the same trees.

With one host there is nothing to start, and everything below works all the same. A process is a host here.
"""

from runtime import openmp  # noqa: F401, before XGBoost

# isort: split

import ctypes
import hashlib
import os
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from xgboost import Booster, collective
from xgboost.tracker import RabitTracker

from runtime.distributed.cluster import KEEP_ALIVE
from runtime.distributed.hosts import Hosts
from runtime.errors import HostLost
from runtime.paths import Paths
from runtime.training import failure

RETRY = 0.1  # seconds between two tries to reach another host
# Seconds of a collective operation: a host may have more rows than another, and what has died the cluster notices.
OPERATION = 24 * 60 * 60
NEWS = KEEP_ALIVE["TCP_USER_TIMEOUT"] / 1000 + 15  # seconds within which the cluster has noticed that a host is gone

_kept: list[Any] = []  # what XGBoost's and the system's own threads use as long as the program runs


def start(hosts: Hosts, addresses: Sequence[str]) -> None:
    """Join the other hosts; the first one's tracker is at the first address, "name:port". Blocks until all have joined.

    The ranks are those of the hosts.
    """
    first, *others = map(located, addresses)
    if hosts.is_first:
        tracker = RabitTracker(n_workers=hosts.size, host_ip=first[0], port=first[1], sortby="task")
        tracker.start()
        _kept.append(tracker)
        for address in others:
            knock(address)
    else:
        await_knock(others[hosts.rank - 1])
    await_news_before_exit()
    collective.init(
        dmlc_communicator="rabit",
        dmlc_tracker_uri=first[0],
        dmlc_tracker_port=first[1],
        dmlc_task_id=f"{hosts.rank:06d}",
        dmlc_timeout=OPERATION,
    )


def located(address: str) -> tuple[str, int]:
    """Return the IP address and the port of "name:port"."""
    name, port = address.rsplit(":", 1)
    return socket.gethostbyname(name), int(port)


def knock(address: tuple[str, int]) -> None:
    """Tell another host that the tracker is there: XGBoost would wait for seconds, and warn, where it is not yet."""
    while True:
        try:
            socket.create_connection(address).close()
            return
        except OSError:  # it is not that far; and where it is gone the cluster ends this program
            time.sleep(RETRY)


def await_knock(address: tuple[str, int]) -> None:
    """Wait, at this host's own address, until the first host says that the tracker is there."""
    with socket.create_server(address) as server:
        server.accept()[0].close()


def await_news_before_exit() -> None:
    """Let the cluster say who is to blame, where XGBoost ends this process because another one has failed.

    A host that dies makes the others' next operation an error, as any other. But where one calls XGBoost's
    `signal_error`, as algorithm.py may, or joins a second time, the tracker tells the others, and a thread of XGBoost's
    calls C's `exit` there (src/collective/tracker.cc and comm.cc): past Python and without a failure file. What is
    registered here `exit` calls first, in that thread: it waits for the cluster, which ends the program.
    """

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    def wait(_: int | None) -> None:
        time.sleep(NEWS)
        error = HostLost("another host has failed and did not say why: see the logs of all hosts")
        print(failure.reason(error), file=sys.stderr, flush=True)
        failure.write(Paths.from_environment().failure, error)
        os._exit(1)

    _kept.append(wait)
    ctypes.CDLL(None).__cxa_atexit(wait, None, None)


def rank() -> int:
    """Return the number of this process among all, from 0."""
    return collective.get_rank()


def size() -> int:
    """Return how many processes train together."""
    return collective.get_world_size()


def local_size() -> int:
    """Return how many of them run on each host."""
    return 1


def total(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the sum over all processes of each of the values, shape (len(values),)."""
    return collective.allreduce(np.asarray(values, np.float64), collective.Op.SUM)


def digest(model: Any) -> str | None:
    """Return the SHA-256 of a booster, by which hosts can be compared; None for anything else."""
    return hashlib.sha256(model.save_raw("ubj")).hexdigest() if isinstance(model, Booster) else None
