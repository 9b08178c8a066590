"""The default input_fn and output_fn; those of algorithm.py may call them."""

from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from runtime.data import content
from runtime.data.content import MEDIA_TYPES
from runtime.data.tables import require_kinds
from runtime.errors import UserError

KNOWN = ", ".join(sorted(set(MEDIA_TYPES.values())))


def is_shape(value: Any) -> bool:
    """Return whether a value declares the shape of a row: positive lengths, or None."""
    return (
        isinstance(value, tuple | list)
        and len(value) > 0
        and all(one is None or (isinstance(one, int) and one > 0) for one in value)
    )


class Defaults:
    """The default input_fn and output_fn, by what algorithm.py declares: FEATURES or INPUT_SHAPE."""

    def __init__(self, algorithm: ModuleType, *, batch: bool) -> None:
        """Raise UserError where both are declared, or one is not valid."""
        self.features = getattr(algorithm, "FEATURES", None)
        self.shape = getattr(algorithm, "INPUT_SHAPE", None)
        self.batch = batch
        if self.shape is not None and not is_shape(self.shape):
            raise UserError(
                "INPUT_SHAPE in algorithm.py must be lengths, None for any: for example (28, 28) or (None, 3)"
            )
        if self.features is not None and not isinstance(self.features, Mapping):
            raise UserError(
                'FEATURES in algorithm.py must give columns their kinds: for example {"age": float, "city": str}'
            )
        require_kinds(self.features or {})
        if self.features and self.shape:
            raise UserError(
                "algorithm.py declares FEATURES, for columns, and INPUT_SHAPE, for arrays: keep one of them"
            )

    def input_fn(self, body: bytes, content_type: str, charset: str = "utf-8") -> Any:
        """See default_input_fn."""
        if content_type not in MEDIA_TYPES:
            from werkzeug.exceptions import UnsupportedMediaType

            raise UnsupportedMediaType(f"Content-Type '{content_type}' is not supported: send one of {KNOWN}")
        media_type = MEDIA_TYPES[content_type]
        return content.decode(body, media_type, charset, self.features, self.shape, batch=self.batch)

    def output_fn(self, predictions: Any, accept: str) -> bytes:
        """See default_output_fn."""
        if accept not in MEDIA_TYPES:
            from werkzeug.exceptions import NotAcceptable

            raise NotAcceptable(f"Accept '{accept}' cannot be met: ask for one of {KNOWN}")
        return content.encode(predictions, MEDIA_TYPES[accept], batch=self.batch)


@cache
def _of_project() -> Defaults:
    # Late: algorithm.py imports this module, and training does not need the settings of serving.
    import algorithm
    from runtime.serving.settings import Settings

    return Defaults(algorithm, batch=Settings.from_environment().batch)


def default_input_fn(body: bytes, content_type: str, charset: str = "utf-8") -> Any:
    """Read a request body of one of the usual media types, as the server does where algorithm.py has no input_fn.

    The result is an array of shape (rows, columns), the columns of FEATURES, or an array of shape (rows, *INPUT_SHAPE).
    Raises InputError for a body that cannot be read, werkzeug's UnsupportedMediaType for another type: 400 and 415.
    """
    return _of_project().input_fn(body, content_type, charset)


def default_output_fn(predictions: Any, accept: str) -> bytes:
    """Write predictions in one of the usual media types, as the server does where algorithm.py has no output_fn.

    Raises FormatError for predictions that the format cannot hold, werkzeug's NotAcceptable for another type: 406.
    """
    return _of_project().output_fn(predictions, accept)
