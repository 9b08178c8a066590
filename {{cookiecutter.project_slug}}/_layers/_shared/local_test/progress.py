"""Says what local_test is waiting for, when a check takes long."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .waits import WAITS

_waits: list[str] = []


@contextmanager
def doing(words: str) -> Iterator[None]:
    """Say what the block does, as the rest of a sentence: "waiting for …"."""
    _waits.append(words)
    try:
        yield
    finally:
        _waits.remove(words)


def at_most(seconds: float) -> str:
    """Return a limit in words."""
    return f"at most {seconds / 60:.0f} min" if seconds >= 120 else f"at most {seconds:.0f} s"


class Watch:
    """Says what a long check is doing: on a terminal in its line, elsewhere in a new line for each change.

    `screen` is the file descriptor to write to, `width` that of a line of a terminal, 0 where it is none.
    """

    def __init__(self, sentence: str, screen: int, width: int):
        self.sentence, self.screen, self.width = sentence, screen, width
        self.started = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)
        self._thread.start()

    def _tell(self) -> None:
        told = None
        while not self._over.wait(WAITS.silence):
            words = _waits[-1] if _waits else "starting or ending programs"
            if self.width:
                line = f"  … {words}, {time.monotonic() - self.started:.0f} s so far: {self.sentence}"
                self._show(f"\r\x1b[K{line[: self.width]}")
            elif words != told:
                self._show(f"... {self.sentence}: {words}\n")
            told = words

    def _show(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def end(self) -> None:
        """Stop watching."""
        self._over.set()
        self._thread.join()
