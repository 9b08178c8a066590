"""What a framework's `runtime/adapter.py` has to offer."""

from typing import Any, Protocol


class Adapter(Protocol):
    """How a framework keeps a model in a folder, without pickle. What `save` wrote is for `load` alone to read."""

    def save(self, model: Any, folder: str) -> None:
        """Write what `train` returned. Raises UserError for what it cannot keep, which says what to do instead."""

    def load(self, folder: str) -> Any:
        """Read it back, ready for `predict`.

        Raises FileNotFoundError where there is none, ValueError or UserError for a file that is damaged or may not be
        trusted.
        """
