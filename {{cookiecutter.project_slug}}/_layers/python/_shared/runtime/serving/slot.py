"""The state of a worker, in memory that it shares with the first process."""

import mmap
import time

NUMBERS, ID = 16, 64  # bytes


class Slot:
    """The state of a worker. Only the worker writes it, except for `clear`, before the first process forks the worker.

    The first process may read it at any time: a number is written at once, so it never sees a part of one.
    """

    def __init__(self) -> None:
        memory = memoryview(mmap.mmap(-1, NUMBERS + ID))
        self._numbers = memory[:NUMBERS].cast("d")
        self._id = memory[NUMBERS:]

    def clear(self) -> None:
        """Set the state of a worker that has not loaded its model yet."""
        self._numbers[0] = self._numbers[1] = 0.0

    def idle(self) -> None:
        """Set that the worker waits for a request."""
        self._numbers[1] = 0.0
        self._numbers[0] = 1.0

    def busy(self, request: str) -> None:
        """Set that the worker has a request, with this id, from now on."""
        self._id[:] = request.encode("ascii", "replace")[:ID].ljust(ID)
        self._numbers[1] = time.monotonic()

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._numbers[0] == 1.0

    @property
    def since(self) -> float:
        """When the worker got its request, in seconds of time.monotonic(); 0 while it is idle."""
        return self._numbers[1]

    @property
    def request(self) -> str:
        """The id of the worker's last request."""
        return bytes(self._id).decode().rstrip()
