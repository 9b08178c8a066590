"""Tables of rows, read the same way for training and for serving.

A `Features` declaration (name -> float or str) says what the columns are; without one every value is a number.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runtime.errors import InputError

Features = Mapping[str, type[float] | type[str]]

MISSING = frozenset({"", "NA", "NaN", "nan", "null"})


@dataclass(frozen=True)
class Table:
    """Rows as they were read.

    `rows` holds lists of values, or dicts by column name; `names` the header if there was one; `lines[i]` is the
    number of row i in the source, and `source` what to say before it in messages.
    """

    rows: Sequence[Any]
    lines: Sequence[int]
    names: Sequence[str] | None = None
    source: str = ""
    unit: str = "line"

    def where(self, row: int) -> str:
        """Name a row for a message."""
        return f"{self.source}{self.unit} {self.lines[row]}"

    def column(self, name: str) -> np.ndarray:
        """One column as text, shape (rows,), for example the target. Raises InputError where it is missing."""
        index = _positions(self, [name])[0]
        for row, values in enumerate(self.rows):
            if values[index] in MISSING:
                raise InputError(f"{self.where(row)}: column '{name}' is empty")
        return np.array([values[index] for values in self.rows])


def read_csv(text: str, *, header: bool = False, source: str = "") -> Table:
    """Split CSV text into rows; empty lines are skipped.

    Raises InputError for text that is not CSV, has no row, or has rows of different lengths.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{source}line {reader.line_num}: not CSV: {error}") from None
    names = [name.strip() for name in rows.pop(0)] if header and rows else None
    table = Table(rows, lines[1:] if names else lines, names, source)
    if not rows:
        raise InputError(f"{source}no rows: expected at least one line of comma-separated values")
    width = len(names or rows[0])
    for index, row in enumerate(rows):
        if len(row) != width:
            raise InputError(f"{table.where(index)} has {len(row)} values, expected {width}")
    return table


def matrix(table: Table, features: Features | None = None) -> np.ndarray:
    """Turn a table into an array of shape (rows, features).

    Without `features` every value must be a finite number: dtype float64. With them, columns are found by name
    where the table has names and by position otherwise, missing values become nan or None, and the dtype is
    float64 when every feature is a float, else object.
    Raises InputError that names the line, the column and the value that does not fit.
    """
    return _numbers(table) if features is None else _typed(table, features)


def _numbers(table: Table) -> np.ndarray:
    if isinstance(table.rows[0], dict):
        raise InputError(f"{table.where(0)} is an object, but this algorithm's features have no names: send a list")
    try:
        values = np.array(table.rows, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        values = None
    if values is not None and values.ndim == 2 and np.isfinite(values).all():
        return values
    width = len(table.rows[0])
    for index, row in enumerate(table.rows):
        if len(row) != width:
            raise InputError(f"{table.where(index)} has {len(row)} values, {table.where(0)} has {width}")
        for position, value in enumerate(row, start=1):
            if not math.isfinite(_number(value, f"{table.where(index)}, value {position}")):
                raise InputError(f"{table.where(index)}, value {position}: {value!r} is not a finite number")
    raise InputError(f"{table.source}expected rows of numbers")


def _typed(table: Table, features: Features) -> np.ndarray:
    cells = _cells_by_name(table, list(features)) if isinstance(table.rows[0], dict) else _cells(table, list(features))
    columns = [_column(table, values, name, kind) for values, (name, kind) in zip(cells, features.items(), strict=True)]
    if all(kind is float for kind in features.values()):
        return np.column_stack(columns)
    result = np.empty((len(table.rows), len(columns)), dtype=object)
    for position, column in enumerate(columns):
        result[:, position] = column
    return result


def _cells_by_name(table: Table, names: Sequence[str]) -> list[list[Any]]:
    """The values of each feature, from rows that are objects; what an object leaves out is missing."""
    for row, values in enumerate(table.rows):
        if unknown := [key for key in values if key not in names]:
            raise InputError(f"{table.where(row)}: '{unknown[0]}' is unknown; the features are {', '.join(names)}")
    return [[values.get(name) for values in table.rows] for name in names]


def _cells(table: Table, names: Sequence[str]) -> list[list[Any]]:
    """The values of each feature, from rows that are lists."""
    width = len(table.names or names)
    for row, values in enumerate(table.rows):
        if len(values) != width:
            raise InputError(f"{table.where(row)} has {len(values)} values, expected {width}: {', '.join(names)}")
    return [[values[position] for values in table.rows] for position in _positions(table, names)]


def _column(table: Table, values: Sequence[Any], name: str, kind: type) -> list[Any]:
    """The values of one feature in its type, nan or None where they are missing."""
    try:
        if kind is str:
            return [None if value is None or value in MISSING else str(value) for value in values]
        numbers = [math.nan if value is None or value in MISSING else float(value) for value in values]
        if math.inf not in numbers and -math.inf not in numbers:
            return numbers
    except (TypeError, ValueError, OverflowError):
        pass
    # Something does not fit: look at one value after the other to say which.
    return [_cell(value, kind, f"{table.where(row)}, column '{name}'") for row, value in enumerate(values)]


def _cell(value: Any, kind: type, where: str) -> float | str | None:
    if isinstance(value, list | dict):
        raise InputError(f"{where}: expected one value, not {_shown(value)}")
    if value is None or (isinstance(value, str) and value.strip() in MISSING):
        return math.nan if kind is float else None
    if kind is str:
        return str(value)
    number = _number(value, where)
    if math.isinf(number):
        raise InputError(f"{where}: {_shown(value)} is not a finite number")
    return number


def _positions(table: Table, names: Sequence[str]) -> list[int]:
    """Where the named columns stand: found in the header, or in the order of `names` without one."""
    if table.names is None:
        return list(range(len(names)))
    if absent := [name for name in names if name not in table.names]:
        raise InputError(f"{table.source}column '{absent[0]}' is missing; the header has {', '.join(table.names)}")
    return [table.names.index(name) for name in names]


def _number(value: Any, where: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{where}: {_shown(value)} is not a number") from None


def _shown(value: Any) -> str:
    """A value as it stands in messages, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
