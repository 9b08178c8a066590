"""SIGTERM while training: SageMaker stops the job and kills it 120 seconds later (contract T4)."""

import os
import signal
from contextlib import suppress

STDOUT = 1


class TrainingStopped(BaseException):
    """SageMaker stopped the job, and `train` does not look at job.stopping: nothing is saved."""


class StopFlag:
    """Becomes true when SageMaker asks the job to stop."""

    def __init__(self) -> None:
        self._asked = False

    def __bool__(self) -> bool:
        """Return whether SageMaker has asked the job to stop."""
        return self._asked

    def set(self) -> None:
        """Ask the job to stop."""
        self._asked = True

    def listen(self, *, interrupt: bool) -> None:
        """Set the flag at SIGTERM; with `interrupt`, also raise TrainingStopped in the main thread.

        The container's first process ignores a signal that it has no handler for.
        """

        def stop(signum: int, frame: object) -> None:
            self.set()
            # Not print: the signal may interrupt another print, during which Python's files refuse a second call.
            with suppress(OSError):
                os.write(STDOUT, b"SIGTERM: SageMaker stops this job\n")
            if interrupt:
                raise TrainingStopped("the job was stopped; let train() take `job` and look at job.stopping")

        signal.signal(signal.SIGTERM, stop)
