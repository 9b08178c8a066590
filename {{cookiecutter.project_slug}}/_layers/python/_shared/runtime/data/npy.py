"""The .npy format of numpy, for numbers only: nothing in it is ever unpickled (rule 9 of grammar.md)."""

import io
import math
import re
from typing import Any

import numpy as np

from runtime.data.arrays import Shape, fits, written
from runtime.data.numbers import LARGEST, TOO_LARGE
from runtime.data.tables import Features, Rows, matrix
from runtime.errors import FormatError, InputError

# The header, as numpy writes it: a dict of Python with its keys in this order. Nothing in it is evaluated.
HEADER = re.compile(
    rb" *\{ *'descr' *: *'([\x20-\x26\x28-\x7e]*)' *, *'fortran_order' *: *(True|False) *, *"
    rb"'shape' *: *\(( *(?:[0-9]+ *(?:, *[0-9]+ *)*,? *)?)\) *,? *\} *\n?"
)
DTYPE = re.compile(r"[<>|=](b1|[iu][1248]|f[248])")


def decode(body: bytes, features: Features | None, shape: Shape | None = None) -> Any:
    """Read a body as `tables.matrix` gives it, or as an array of shape (rows, *shape). Raises InputError."""
    values = _array(body)
    if not fits(values.shape[1:], shape or (None,)):
        expected = f"rows of shape {written(shape)}" if shape else "(rows, features)"
        raise InputError(f"the .npy array has shape {written(values.shape)}, expected {expected}")
    if features:
        table = Rows(
            [[None if value != value else value for value in row] for row in values.tolist()],
            range(1, len(values) + 1),
            unit="row",
        )
        return matrix(table, features)
    values = values.astype(np.float64)
    if (wrong := np.argwhere(~(np.abs(values) <= LARGEST))).size:
        place = tuple(wrong[0].tolist())
        reason = TOO_LARGE if math.isfinite(values[place]) else "is not finite"
        raise InputError(f"row {place[0] + 1} holds a value that {reason}")
    return values


def encode(rows: Any) -> bytes:
    """Write predictions as an array. Raises FormatError for those that need Python objects."""
    try:
        array = np.asarray(rows)
    except ValueError:  # rows of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biufU":
        raise FormatError("the predictions do not fit into an .npy array: ask for application/json")
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _array(body: bytes) -> np.ndarray:
    size = {1: 2, 2: 4}.get(body[6]) if body.startswith(np.lib.format.MAGIC_PREFIX) and len(body) > 12 else None
    if size is None:
        raise InputError("the body is not an .npy file of version 1 or 2")
    start = 8 + size + int.from_bytes(body[8 : 8 + size], "little")
    header = HEADER.fullmatch(body[8 + size : start]) if start <= len(body) else None
    if header is None:
        raise InputError("the body is not an .npy file of version 1 or 2: its header is damaged")
    dtype, order, shape = (field.decode() for field in header.groups())
    if not DTYPE.fullmatch(dtype):
        raise InputError(f"the .npy array has dtype {dtype}, expected real numbers of at most 64 bits")
    sizes = [int(size) for size in shape.split(",") if size.strip()]
    if 0 in sizes:
        raise InputError(f"the .npy array has shape ({shape}): it has no values")
    if math.prod(sizes) * int(dtype[-1]) != len(body) - start:
        raise InputError(f"the .npy body is cut short: its header announces shape ({shape}) of {dtype}")
    return np.frombuffer(body, dtype, offset=start).reshape(sizes, order="F" if order == "True" else "C")
