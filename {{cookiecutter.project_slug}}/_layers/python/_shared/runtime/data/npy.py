"""The .npy format of numpy, for numbers only: nothing in it is ever unpickled (rule 9 of grammar.md)."""

import io
import math
from typing import Any

import numpy as np

from runtime.data.numbers import LARGEST, TOO_LARGE
from runtime.data.tables import Features, Rows, matrix
from runtime.errors import FormatError, InputError


def decode(body: bytes, features: Features | None) -> Any:
    """Read a body as `tables.matrix` gives it. Raises InputError."""
    values = _array(body)
    if features:
        table = Rows(
            [[None if value != value else value for value in row] for row in values.tolist()],
            range(1, len(values) + 1),
            unit="row",
        )
        return matrix(table, features)
    values = values.astype(np.float64)
    if (wrong := np.argwhere(~(np.abs(values) <= LARGEST))).size:
        row, place = wrong[0].tolist()
        reason = TOO_LARGE if math.isfinite(values[row, place]) else "is not finite"
        raise InputError(f"row {row + 1} holds a value that {reason}")
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
    stream = io.BytesIO(body)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read_header(stream)
    except Exception as error:  # a damaged header makes numpy and Python's own parser raise almost anything
        raise InputError(f"the body is not an .npy file of version 1 or 2: {error}") from None
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise InputError(f"the .npy array has dtype {dtype}, expected real numbers of at most 64 bits")
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"the .npy array has shape {shape}, expected (rows, features)")
    if math.prod(shape) * dtype.itemsize != len(body) - stream.tell():
        raise InputError(f"the .npy body is cut short: its header announces shape {shape} of {dtype}")
    return np.frombuffer(body, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran else "C")
