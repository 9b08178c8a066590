"""Tables of rows, read the same way for training and for serving, by the rules of grammar.md.

A `Features` declaration (name -> float or str) says what the columns are; without one every value is a number.
"""

import io
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from runtime import framework
from runtime.data import csv_bulk, csv_rows
from runtime.data.csv_bulk import Block
from runtime.data.csv_rows import is_missing
from runtime.data.numbers import LARGEST, number, text
from runtime.errors import InputError, UserError

Features = Mapping[str, type[float] | type[str]]
BLANK_END = (b"\n\n", b" \n", b"\t\n")
# Bytes of a file that are read at once: to see what its columns are, and to read its rows.
FIRST_BLOCK, BLOCK = 1 << 16, 1 << 23


class Table(ABC):
    """Rows of a file or a request.

    `names` are those of the columns, None without a header; `width` is the number of values that a row should have;
    messages begin with `source`. With `partial` a column that the header does not name is missing in every row,
    otherwise it is an error.
    """

    names: Sequence[str] | None = None
    width: int
    source: str = ""
    partial: bool = False

    @abstractmethod
    def numbers(self) -> np.ndarray:
        """Return all values, which must be finite numbers: shape (rows, columns), float64. Raises InputError."""

    @abstractmethod
    def columns(self, features: Features, *, optional: bool = True) -> list[Any]:
        """Return the features' columns, each of shape (rows,): float64 with nan, or texts with None, where missing.

        Raises InputError for a value that does not fit, and without `optional` for one that is missing.
        """

    def column(self, name: str, kind: type = str) -> np.ndarray:
        """Return one column, for example the target: texts, or with `float` numbers, of shape (rows,).

        Raises InputError for a value that is missing or does not fit, UserError for another kind.
        """
        require_kinds({name: kind})
        return np.array(list(self.columns({name: kind}, optional=False)[0]))


def require_kinds(features: Features) -> None:
    """Raise UserError for a kind of column that is neither float nor str; it would be read as text."""
    for name, kind in features.items():
        if kind not in (float, str):
            shown = getattr(kind, "__name__", repr(kind))
            raise UserError(f"column '{name}' is declared as {shown}: use float for numbers, or str for texts")


def matrix(table: Table, features: Features | None = None) -> Any:
    """Return a table's values.

    Without `features` every value must be a finite number: an array of shape (rows, columns), float64. With them,
    columns are found by name where the table has names and by position otherwise. Where all are numbers the result is
    such an array, with nan where they are missing. Else it has named columns, float64 for numbers: a polars DataFrame
    with nan and null (framework.DATA_FRAMES), or a numpy array of shape (rows,) whose fields are the features, with nan
    and None.
    Raises InputError that names the line, the column and the value that does not fit.
    """
    if features is None:
        return table.numbers()
    return assembled(table.columns(features), features)


def assembled(columns: Sequence[Any], features: Features) -> Any:
    """Return columns side by side, in the form that `matrix` describes."""
    if all(kind is float for kind in features.values()):
        return np.column_stack([np.asarray(column, np.float64) for column in columns])
    if framework.DATA_FRAMES:
        import polars as pl

        kinds = {float: pl.Float64, str: pl.String}
        named = zip(features.items(), columns, strict=True)
        return pl.DataFrame([pl.Series(name, column, kinds[kind]) for (name, kind), column in named])
    fields = [(name, np.float64 if kind is float else object) for name, kind in features.items()]
    result = np.empty(len(columns[0]), fields)
    for name, column in zip(features, columns, strict=True):
        result[name] = column
    return result


def read_csv(text: str, *, header: bool = False, source: str = "") -> Table:
    """Return a table of CSV text. Raises InputError for text without rows; a wrong row is found when it is used."""
    content = text.encode()
    table = CsvTable(lambda: io.BytesIO(content), lambda _: header, source=source)
    if not table.has_rows():
        raise InputError(f"{source}no rows: expected at least one line of comma-separated values")
    return table


class Rows(Table):
    """Rows in memory: lists of values, or dicts by column name, of CSV or of JSON.

    `lines[i]` is the number of row i in the source, and `unit` what it counts. With `csv` the cells are texts, of which
    some stand for missing values; else None does. By default a row should have as many values as the first.
    """

    def __init__(
        self,
        rows: Sequence[Any],
        lines: Sequence[int],
        names: Sequence[str] | None = None,
        *,
        source: str = "",
        unit: str = "line",
        csv: bool = False,
        partial: bool = False,
        width: int = 0,
    ) -> None:
        self.rows, self.lines, self.names = rows, lines, names
        self.source, self.unit, self.csv, self.partial = source, unit, csv, partial
        self.width = width or len(rows[0])

    def where(self, row: int) -> str:
        """Name a row for a message."""
        return f"{self.source}{self.unit} {self.lines[row]}"

    def _where_value(self, row: int, place: int) -> str:
        return f"{self.where(row)}, value {place + 1}"

    def numbers(self) -> np.ndarray:
        """See Table."""
        if isinstance(self.rows[0], dict):
            raise InputError(f"{self.where(0)} is an object, but this algorithm's features have no names: send a list")
        if not self.csv:
            try:
                values = np.array(self.rows)
            except (ValueError, OverflowError):  # rows of different lengths, or lists in them
                values = np.array(None)
            # Texts and None make an array of texts or objects, which are read one by one below.
            if values.ndim == 2 and values.dtype.kind in "biuf" and values.size:
                values = values.astype(np.float64, copy=False)
                if (np.abs(values) <= LARGEST).all():
                    return values
        self.expect_width(self.width)
        if not self.rows[0]:
            raise InputError(f"{self.where(0)} is empty: expected numbers")
        return np.array(
            [converted(values, number, partial(self._where_value, row)) for row, values in enumerate(self.rows)]
        )

    def columns(self, features: Features, *, optional: bool = True) -> list[Any]:
        """See Table. Names that an object leaves out are missing, other names are ignored."""
        if isinstance(self.rows[0], dict):
            for row, values in enumerate(self.rows):
                if features.keys().isdisjoint(values):
                    raise InputError(f"{self.where(row)} names none of the features {', '.join(features)}")
            cells = [[values.get(name) for values in self.rows] for name in features]
        else:
            self.expect_width(len(self.names or features), f": {', '.join(features)}")
            places = positions(self, features)
            cells = [[None if place is None else values[place] for values in self.rows] for place in places]
        return [
            self._column(values, name, kind, optional)
            for values, (name, kind) in zip(cells, features.items(), strict=True)
        ]

    def _column(self, values: list[Any], name: str, kind: type, optional: bool) -> Any:
        convert, absent = (number, math.nan) if kind is float else (text, None)

        def cell(value: Any) -> Any:
            if value is not None and not (self.csv and is_missing(value)):
                return convert(value)
            if not optional:
                raise InputError("it is empty")
            return absent

        found = converted(values, cell, lambda row: f"{self.where(row)}, column '{name}'")
        return np.array(found) if kind is float else found

    def expect_width(self, width: int, which_ones: str = "") -> None:
        """Raise InputError for a row that has not `width` values."""
        for row, values in enumerate(self.rows):
            if len(values) != width:
                raise InputError(f"{self.where(row)} has {len(values)} values, expected {width}{which_ones}")


class CsvTable(Table):
    """CSV in UTF-8, which is read again for each call, some megabytes at a time.

    `open_stream` opens it; `is_header` decides by the cells of the first row whether it is a header; with `every_line`
    a blank line is an error. Raises InputError for a first row that cannot be read.
    """

    def __init__(
        self,
        open_stream: Callable[[], io.BufferedIOBase],
        is_header: Callable[[list[str]], bool],
        *,
        source: str = "",
        every_line: bool = False,
        partial: bool = False,
    ) -> None:
        self.open_stream, self.source, self.every_line, self.partial = open_stream, source, every_line, partial
        self.width = self.start = self.start_line = 0
        content = next((block.content for block in self._blocks(FIRST_BLOCK)), b"")
        text = self._text(content)
        self.start = len(content) - len(text.encode())  # the byte order mark
        if (first := csv_rows.first(text, source)) is None:
            return
        cells, line, end = first
        self.width = len(cells)
        if is_header(cells):
            self.names = [str(cell) for cell in cells]
            self.start += len(text[:end].encode())
            self.start_line = line + sum(cell.count("\n") for cell in cells)

    def numbers(self) -> np.ndarray:
        """See Table."""
        return joined(list(self._numbers()))

    def columns(self, features: Features, *, optional: bool = True) -> list[Any]:
        """See Table."""
        return [joined(list(parts)) for parts in zip(*self._columns(features, optional), strict=True)]

    def chunks(self, features: Features | None = None) -> Iterator[Any]:
        """Yield what `matrix` returns, some megabytes of the file at a time, for files larger than the memory."""
        if features is None:
            yield from self._numbers()
        else:
            for columns in self._columns(features, optional=True):
                yield assembled(columns, features)

    def has_rows(self) -> bool:
        """Return whether there is a row besides the header."""
        return any(True for _ in self._parts(FIRST_BLOCK))

    def _numbers(self) -> Iterator[np.ndarray]:
        for index, block in self._parts():
            values = csv_bulk.numbers(block, self.width)
            yield self._strict(index, block).numbers() if values is None else values

    def _columns(self, features: Features, optional: bool) -> Iterator[list[Any]]:
        places = positions(self, features)
        named = zip(places, features.values(), strict=True)
        known = {place: kind for place, kind in named if place is not None}
        as_declared = None not in places and (self.names is not None or self.width == len(features))
        for index, block in self._parts():
            found = csv_bulk.columns(block, self.width, known, optional) if as_declared else None
            yield self._strict(index, block).columns(features, optional=optional) if found is None else found

    def _strict(self, index: int, block: Block) -> Rows:
        """Return the rows of a block, read cell by cell."""
        before = islice(self._bodies(BLOCK), index)
        line = self.start_line + 1 + sum(one.content.count(b"\n") for one in before)
        text = self._text(block.content)
        rows, lines = csv_rows.read(text, source=self.source, first_line=line, every_line=self.every_line)
        return Rows(rows, lines, self.names, source=self.source, csv=True, partial=self.partial, width=self.width)

    def _parts(self, size: int | None = None) -> Iterator[tuple[int, Block]]:
        """Yield the blocks that have rows, each with its number; blank lines at their ends are off unless counted."""
        for index, block in enumerate(self._bodies(size or BLOCK)):
            content = block.content
            if not self.every_line and (content == b"\n" or content.endswith(BLANK_END)):
                rows = content.rstrip(b" \t\n")
                content = rows + b"\n" if rows else b""  # with a line end, as polars ignores a comma too many there
            if content:
                yield index, block._replace(content=content)

    def _bodies(self, size: int) -> Iterator[Block]:
        """Yield the blocks without the header."""
        for index, block in enumerate(self._blocks(size)):
            yield block if index else block._replace(content=block.content[self.start :])

    def _blocks(self, size: int) -> Iterator[Block]:
        with closing(self.open_stream()) as stream:
            yield from csv_bulk.blocks(stream, size)

    def _text(self, content: bytes) -> str:
        return decoded(content, "utf-8", self.source.removesuffix(", ") or "the body")


def positions(table: Table, features: Features) -> list[int | None]:
    """Return where the features' columns stand, by name or in order; None for one that a request leaves out.

    Raises InputError for a column that a file lacks, or that is there twice.
    """
    names = table.names
    if names is None:
        return list(range(len(features)))
    header = f"the header has {', '.join(names)}"
    for name in features:
        if name not in names and not table.partial:
            raise InputError(f"{table.source}column '{name}' is missing; {header}")
        if names.count(name) > 1:
            raise InputError(f"{table.source}column '{name}' is there twice; {header}")
    return [names.index(name) if name in names else None for name in features]


def converted(values: Sequence[Any], convert: Callable[[Any], Any], where: Callable[[int], str]) -> list[Any]:
    """Return the values, each converted; `where` names the one that does not fit in the InputError."""
    found: list[Any] = []
    try:
        for value in values:
            found.append(convert(value))
    except InputError as error:
        raise InputError(f"{where(len(found))}: {error}") from None
    return found


def joined(parts: list[Any]) -> Any:
    """Join parts of a matrix or of a column. Each part is dropped once it is copied, so that memory holds few twice."""
    if len(parts) == 1:
        return parts[0]
    if not isinstance(parts[0], np.ndarray):
        import polars as pl

        return pl.concat([pl.Series(part, dtype=pl.String) for part in parts])
    result = np.empty((sum(map(len, parts)), *parts[0].shape[1:]))
    end = len(result)
    while parts:
        part = parts.pop()
        result[end - len(part) : end] = part
        end -= len(part)
    return result


def decoded(content: bytes, charset: str, what: str) -> str:
    """Return bytes as text without byte order mark. Raises InputError that begins with `what`."""
    try:
        text = content.decode(charset).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise InputError(f"{what} is not text in {charset}: {error}") from None
    if "\0" in text:
        raise InputError(f"{what} holds the character U+0000")
    return text
