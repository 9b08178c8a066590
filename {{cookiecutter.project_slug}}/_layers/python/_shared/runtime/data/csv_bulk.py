"""CSV read by polars, where polars and the grammar agree, which is proven for each block of lines.

A block in doubt is left to `csv_rows`, which is some fifty times as slow and explains what is wrong.
"""

import re
from collections.abc import Iterator, Mapping
from io import BufferedIOBase
from typing import Any, NamedTuple

import numpy as np

from runtime.data.csv_rows import MISSING
from runtime.data.numbers import LARGEST

NUMERIC = b"0123456789+-.eE,\n"  # of these bytes alone, a cell is a number, or nothing that polars accepts as one
QUOTED_WORDS = re.compile(rb'"(?:NA|NaN|nan|null)"')


class Block(NamedTuple):
    """Whole rows, with LF at the end of each, and whether all readers agree about their quotes."""

    content: bytes
    legal: bool


def blocks(stream: BufferedIOBase, size: int) -> Iterator[Block]:
    """Yield the rows of a file, about `size` bytes at a time.

    A line break is part of a cell where an odd number of quotes stands before it. If the quotes are not legal this does
    not hold, and all the rest becomes one block.
    """
    while content := stream.read(size):
        content += b"" if content.endswith(b"\n") else stream.readline()
        if _quotes(content) % 2:
            content += _rest_of_row(stream)
        content = _unix(content)
        legal = legal_quotes(content)
        yield Block(content if legal else content + _unix(stream.read()), legal)


def _unix(content: bytes) -> bytes:
    """Return the content with LF at the end of each line, the last one, too."""
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content if content.endswith(b"\n") or not content else content + b"\n"


def _quotes(content: bytes) -> int:
    """Return the number of quotes; bytes.count would be ten times as slow."""
    return int(np.count_nonzero(np.frombuffer(content, np.uint8) == ord('"'))) if b'"' in content else 0


def _rest_of_row(stream: BufferedIOBase) -> bytes:
    """Return the lines up to the one that closes an open quote."""
    lines = []
    while line := stream.readline():
        lines.append(line)
        if line.count(b'"') % 2:
            break
    return b"".join(lines)


def legal_quotes(block: bytes) -> bool:
    """Return whether every quote opens a cell, closes one or is one of two within (RFC 4180).

    The block ends with a line break.
    """
    if b'"' not in block:
        return True
    data = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(data == ord('"'))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    doubled = opening[1:] == closing[:-1] + 1
    # The line break at the end, data[-1], also serves as the byte before the first one.
    before, after = data[opening - 1], data[(closing + 1) % len(data)]
    opens = (before == ord(",")) | (before == ord("\n"))
    closes = (after == ord(",")) | (after == ord("\n"))
    return bool(opens[0] and closes[-1] and (opens[1:] | doubled).all() and (closes[:-1] | doubled).all())


def numbers(block: Block, width: int) -> np.ndarray | None:
    """Return the block as an array of numbers, shape (rows, width); None where that is in doubt."""
    import polars as pl

    if block.content.translate(None, NUMERIC):
        return None
    schema = {f"{index}": pl.Float64 for index in range(width)}
    try:
        frame = pl.read_csv(block.content, has_header=False, quote_char=None, schema=schema)
    except pl.exceptions.PolarsError:
        return None
    # frame.to_numpy(order="c") would take three times as long.
    values = np.column_stack([column.to_numpy() for column in frame.iter_columns()])
    # nan, for a cell that is empty or missing, fails any comparison.
    return values if values.min() >= -LARGEST and values.max() <= LARGEST else None


def columns(block: Block, width: int, kinds: Mapping[int, type], optional: bool) -> list[Any] | None:
    """Return columns of the block by position: arrays of numbers with nan, polars Series of texts with null.

    The result is None where polars and the grammar may differ, and without `optional` where a value is missing.
    """
    import polars as pl

    content = block.content
    quoted = b'"' in content
    if not block.legal or b"\0" in content:
        return None
    if len(kinds) < width and not (content.isascii() or _is_utf8(content)):  # polars checks only what it reads
        return None
    schema = {
        f"{index}": pl.Float64 if kinds.get(index) is float and not quoted else pl.String for index in range(width)
    }
    try:
        frame = pl.read_csv(
            content,
            has_header=False,
            quote_char='"' if quoted else None,
            schema=schema,
            columns=sorted(kinds),
            null_values=None if quoted else list(MISSING),
        )
    except pl.exceptions.PolarsError:
        return None
    if quoted:
        words = list(MISSING - {""})
        if any(frame.select(pl.all().is_in(words).any()).row(0)):
            if QUOTED_WORDS.search(content):  # a text, or what is missing?
                return None
            columns = [pl.col(name) for name in frame.columns]
            frame = frame.select(pl.when(~column.is_in(words)).then(column) for column in columns)
    spaces = [space for space in " \t" if space.encode() in content]
    texts = pl.col(pl.String).str
    if any(any(frame.select((texts.starts_with(space) | texts.ends_with(space)).any()).row(0)) for space in spaces):
        return None
    # polars accepts a row that is too short, as if its last cells were missing, and, where it reads only some columns,
    # one that is too long.
    sure = len(kinds) == width and not frame[f"{width - 1}"].null_count()
    if not sure and not _full_rows(content, width, len(frame)):
        return None
    missing = frame.null_count().row(0, named=True)
    if any(missing.values()) and not optional:
        return None
    numeric = [f"{index}" for index, kind in kinds.items() if kind is float]
    frame = frame.with_columns(pl.col(numeric).cast(pl.Float64, strict=False))
    for name in numeric:
        if frame[name].null_count() != missing[name] or not (frame[name].abs() <= LARGEST).all():
            return None
    frame = frame.with_columns(pl.col(numeric).fill_null(float("nan")))
    return [frame[f"{index}"].to_numpy() if kind is float else frame[f"{index}"] for index, kind in kinds.items()]


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _full_rows(content: bytes, width: int, rows: int) -> bool:
    """Return whether every row has as many commas outside of quotes as it should."""
    if width == 1:  # a blank line, or what is missing?
        return False
    data = np.frombuffer(content, np.uint8)
    outside = ~np.logical_xor.accumulate(data == ord('"'))
    commas = np.cumsum((data == ord(",")) & outside)
    ends = np.flatnonzero((data == ord("\n")) & outside)
    return len(ends) == rows and bool((np.diff(commas[ends], prepend=0) == width - 1).all())
