"""Locks between processes, for what a machine has only one of: a port, a network of Docker, an environment."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUILD = Path(__file__).resolve().parents[1] / "build"


@contextmanager
def only_one(name: str) -> Iterator[None]:
    """Wait until no other process holds the lock of this name, and hold it; `flock build/NAME.lock` does so, too."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
