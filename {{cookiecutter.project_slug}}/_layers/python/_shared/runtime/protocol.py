"""The interface of a framework's `runtime/adapter.py`."""

from typing import Any, Protocol


class Adapter(Protocol):
    """How a framework keeps a model in a folder, without pickle. Only `load` reads what `save` wrote."""

    def save(self, model: Any, folder: str) -> None:
        """Write what `train` returned. Raises UserError, with advice, for what it cannot keep."""

    def load(self, folder: str) -> Any:
        """Read a model, ready for `predict`.

        Raises FileNotFoundError where there is none, ValueError or UserError for a file that is damaged or not
        trusted.
        """
