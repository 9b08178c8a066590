"""Ctrl-C and similar signals, deferred while something is started or removed, so that nothing is left behind."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Ctrl-C, a CI system's stop, a terminal that is closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_state = {"holding": 0, "pending": False}


def _interrupt(number: int, frame: object) -> None:
    if _state["holding"]:
        _state["pending"] = True
    else:
        raise KeyboardInterrupt


def listen() -> None:
    """Let each of the signals raise KeyboardInterrupt."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)


@contextmanager
def held() -> Iterator[None]:
    """Defer interrupts to the end of the block. Python interrupts the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state["holding"] += 1
    try:
        yield
    finally:
        _state["holding"] -= 1
        if _state["pending"] and not _state["holding"]:
            _state["pending"] = False
            raise KeyboardInterrupt
