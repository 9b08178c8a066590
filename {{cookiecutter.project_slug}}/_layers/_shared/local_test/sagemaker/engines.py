"""The engines of everything that runs: one for each job and each server, so that each can be cleaned up alone."""

import threading
import time
from pathlib import Path

from cloud.declaration import LABEL

from ..engines import open_engine
from ..engines.base import Engine
from ..errors import SetupError
from .api import Refusal, invalid

END_WITHIN = 30.0  # seconds that jobs get to clean up when local-sagemaker stops


class Engines:
    """Opens engines and closes them; `close` closes all, after which none can be opened."""

    def __init__(self, name: str, project: Path):
        self.name, self.project = name, project
        self._open: set[Engine] = set()
        self._closing = False
        self._lock = threading.Lock()

    def open(self, image: str | None) -> Engine:
        """Return an engine for an image; local processes are the project's own, whatever the image is called.

        Raises Refusal where there is no such image.
        """
        with self._lock:
            if self._closing:
                raise Refusal("ServiceUnavailable", "The SageMaker on this machine is stopping.", 503)
            if not image:
                raise invalid("Name an image: the SageMaker on this machine has no built-in algorithms.")
            try:
                engine = open_engine(self.name, image, self.project)
            except SetupError as error:
                raise invalid(str(error)) from None
            self._open.add(engine)
            return engine

    def declaration(self, image: str | None) -> str:
        """Return what an image declares, as its `describe` prints it. Raises Refusal where it declares nothing."""
        engine = self.open(image)
        try:
            found = engine.declaration(LABEL)
        finally:
            self.end(engine)
        if not found:
            raise invalid(f"{image} has no label {LABEL}: make build gives it one.")
        return found

    def end(self, engine: Engine) -> None:
        """Remove all that an engine has started and made."""
        engine.close()
        self._open.discard(engine)

    def close(self) -> None:
        """Kill every program, and wait until the jobs and endpoints have closed their engines."""
        with self._lock:
            self._closing = True
        give_up = time.monotonic() + END_WITHIN
        while self._open and time.monotonic() < give_up:
            for program in [program for engine in list(self._open) for program in list(engine.programs)]:
                program.crash()
            time.sleep(0.1)
        for engine in list(self._open):
            self.end(engine)
