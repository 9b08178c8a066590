"""Arrays of more than two dimensions, for algorithms that declare INPUT_SHAPE: the shape of one row (rule 10).

A shape is a sequence of lengths; None stands for any length that is the same in all rows of a request.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from runtime.data.numbers import LARGEST
from runtime.errors import InputError

Shape = Sequence[int | None]


def of_rows(rows: Sequence[Any], lines: Sequence[int], unit: str, shape: Shape) -> np.ndarray:
    """Return rows of JSON, nested lists of numbers, as an array of shape (rows, *shape), float64.

    `lines[i]` is the number of row i, and `unit` what it counts. Raises InputError that names a row that does not fit.
    """
    found: list[np.ndarray] = []
    for row, line in zip(rows, lines, strict=True):
        array = _array(row)
        if array is None:
            raise InputError(f"{unit} {line} is no array of finite numbers")
        if not fits(array.shape, shape):
            raise InputError(f"{unit} {line} has shape {written(array.shape)}, expected {written(shape)}")
        if found and array.shape != found[0].shape:
            raise InputError(
                f"{unit} {line} has shape {written(array.shape)}, {unit} {lines[0]} {written(found[0].shape)}"
            )
        found.append(array)
    return np.stack(found)


def of_values(values: np.ndarray, shape: Shape) -> np.ndarray:
    """Return values of CSV, shape (rows, columns), as an array of shape (rows, *shape), the last index fastest.

    Raises InputError where they have another number of columns.
    """
    if len(shape) == 1 and shape[0] is None:
        return values
    lengths = [length for length in shape if length is not None]
    if len(lengths) < len(shape):
        raise InputError(f"rows of CSV cannot have shape {written(shape)}: send application/json or .npy")
    size = math.prod(lengths)
    if values.shape[1] != size:
        raise InputError(f"rows have {values.shape[1]} values, expected {size}, for shape {written(shape)}")
    return values.reshape(len(values), *lengths)


def fits(found: Sequence[int], shape: Shape) -> bool:
    """Return whether a shape that was found is allowed by the shape that is declared."""
    return len(found) == len(shape) and all(
        wanted in (None, length) for length, wanted in zip(found, shape, strict=True)
    )


def written(shape: Shape) -> str:
    """Return a shape as it stands in messages, as Python writes tuples."""
    lengths = ["any" if length is None else str(length) for length in shape]
    return f"({lengths[0]},)" if len(lengths) == 1 else f"({', '.join(lengths)})"


def _array(row: Any) -> np.ndarray | None:
    try:
        array = np.array(row)
    except (ValueError, OverflowError):  # lists of different lengths
        return None
    if array.dtype.kind not in "biuf" or not (np.abs(values := array.astype(np.float64)) <= LARGEST).all():
        return None
    return values
