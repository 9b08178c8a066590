"""LIBSVM: a row is `label index:value index:value …`, an index is a column's number, what is left out is missing.

Before the pairs `qid:number` may say to which query a row belongs, for what learns to rank. XGBoost gives up its own
text parsers. Blocks of lines are read in bulk where their form is proven, else line by line, which is slower and knows
what to say.
"""

import re
from collections.abc import Iterable
from io import BufferedIOBase
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from runtime.data import csv_bulk
from runtime.data.csv_bulk import Block
from runtime.data.numbers import FORM, number, shown
from runtime.data.tables import decoded
from runtime.errors import InputError

MEDIA_TYPES = ("text/libsvm", "text/x-libsvm")
BLOCK = 1 << 23  # bytes that are read at once
LARGEST_INDEX = 2**31 - 2
# What stands before a query's number, and what takes its place where lines are read in bulk.
QUERY, AS_INDEX = b" qid:", b" %d:" % (LARGEST_INDEX + 1)
ODD_QUERY = re.compile(rb" qid:\d*[^\d \n]")
COLON, SPACE, LINE_END = b": \n"
SEPARATES = np.zeros(256, bool)
SEPARATES[[COLON, SPACE, LINE_END]] = True
NO_DIGIT = np.zeros(256, bool)
NO_DIGIT[list(b"+-.eE")] = True
ONE_A_LINE = bytes.maketrans(b": ", b"\n\n")


class Rows(NamedTuple):
    """Rows of a file or a request.

    `labels` and `queries` are of shape (rows,), with nan where a row has none. Row i has the values from `ends[i - 1]`
    to `ends[i]`, of the columns `indices`.
    """

    labels: np.ndarray
    queries: np.ndarray
    values: np.ndarray
    indices: np.ndarray
    ends: np.ndarray

    @property
    def width(self) -> int:
        """The number of columns that the largest index asks for."""
        return int(self.indices.max(initial=-1)) + 1

    def matrix(self, width: int) -> csr_matrix:
        """Return the values as a sparse matrix of shape (rows, width)."""
        return csr_matrix((self.values, self.indices, np.concatenate([[0], self.ends])), (len(self.labels), width))


def decode(body: bytes, charset: str = "utf-8") -> csr_matrix:
    """Read a request body: a matrix of shape (rows, largest index + 1). A label is skipped, and may be left out.

    Raises InputError that names the line of what cannot be read.
    """
    content = decoded(body, charset, "the body").replace("\r\n", "\n").replace("\r", "\n").encode()
    rows = read_block(content if content.endswith(b"\n") else content + b"\n", "", 1, labels=False)
    if not len(rows.labels):
        raise InputError("no rows: expected at least one line of index:value pairs")
    return rows.matrix(rows.width)


def read(stream: BufferedIOBase, source: str) -> Rows:
    """Read a file, each row of which must have a label. Raises InputError that begins with `source`, "train/file, "."""
    parts, line = [], 1
    for block in csv_bulk.blocks(stream, BLOCK):
        parts.append(read_block(block.content, source, line, labels=True))
        line += block.content.count(b"\n")
    return joined(parts)


def joined(parts: Iterable[Rows]) -> Rows:
    """Rows of several blocks or files as one."""
    empty = Rows(*np.empty((3, 0)), *np.empty((2, 0), np.int64))
    labels, queries, values, indices, ends = zip(empty, *parts, strict=True)
    before = np.cumsum([0, *map(len, values[:-1])])
    shifted = [end + start for end, start in zip(ends, before, strict=True)]
    return Rows(*(np.concatenate(column) for column in (labels, queries, values, indices, shifted)))


def read_block(content: bytes, source: str, first_line: int, *, labels: bool) -> Rows:
    """Read whole lines, the first of which has this number; without `labels` a row may have none."""
    found = in_bulk(content)
    return line_by_line(content, source, first_line, labels) if found is None else found


def in_bulk(content: bytes) -> Rows | None:
    """Read lines that all have a label, one space before each pair and nothing else; None where that is in doubt.

    A space at the end of a line, which many files have, is skipped.
    """
    content = content.replace(b" \n", b"\n")
    if ranked := QUERY in content:
        if AS_INDEX in content or ODD_QUERY.search(content):
            return None
        content = content.replace(QUERY, AS_INDEX)
    if not content or content.translate(None, csv_bulk.NUMERIC + b": ") or b"," in content:
        return None
    data = np.frombuffer(content, np.uint8)
    places = np.flatnonzero(SEPARATES[data])
    kinds = data[places]
    before = np.concatenate([[LINE_END], kinds[:-1]])
    # A label or a value ends with a space or the line, an index with a colon; no two separators stand side by side.
    if not ((kinds == COLON) == (before == SPACE)).all() or np.diff(places, prepend=-1).min() < 2:
        return None
    if (kinds[np.searchsorted(places, np.flatnonzero(NO_DIGIT[data]))] == COLON).any():
        return None
    numbers = csv_bulk.numbers(Block(content.translate(ONE_A_LINE), True), 1)
    if numbers is None:
        return None
    numbers = numbers[:, 0]
    indices, values = numbers[kinds == COLON], numbers[before == COLON]
    # Of the values that end before the line does, so many belong to it and to those before it.
    ends = np.cumsum(before == COLON)[kinds == LINE_END]
    queries = np.full(len(ends), np.nan)
    if ranked:
        found = np.flatnonzero(indices > LARGEST_INDEX)
        if not np.array_equal(found, np.concatenate([[0], ends[:-1]])):  # each row has one, before its pairs
            return None
        queries, indices, values = values[found], np.delete(indices, found), np.delete(values, found)
        ends = ends - np.arange(1, len(ends) + 1)
    if indices.max(initial=0) > LARGEST_INDEX:
        return None
    ascending = np.diff(indices) > 0
    ascending[ends[(ends > 0) & (ends < len(indices))] - 1] = True
    if not ascending.all():
        return None
    return Rows(numbers[before == LINE_END], queries, values, indices.astype(np.int64), ends)


def line_by_line(content: bytes, source: str, first_line: int, labels: bool) -> Rows:
    """Read lines in which spaces, tabs, blank lines and comments (#) may stand. Raises InputError."""
    found, queries, values, indices, ends = [], [], [], [], []
    text = decoded(content, "utf-8", source.removesuffix(", ") or "the body")
    for line, row in enumerate(text.split("\n"), start=first_line):
        tokens = row.partition("#")[0].split()
        if not tokens:
            continue
        try:
            has_label = ":" not in tokens[0]
            if labels and not has_label:
                raise InputError(f"expected a label before {shown(tokens[0])}")
            found.append(number(tokens.pop(0)) if has_label else np.nan)
            queries.append(query(tokens.pop(0)) if tokens and tokens[0].startswith("qid:") else np.nan)
            pairs = [pair(token) for token in tokens]
            if any(later[0] <= earlier[0] for earlier, later in pairwise(pairs)):
                raise InputError("the indices do not ascend")
        except InputError as error:
            raise InputError(f"{source}line {line}: {error}") from None
        indices += [index for index, _ in pairs]
        values += [value for _, value in pairs]
        ends.append(len(values))
    labelled, asked, numbers = (np.array(column, float) for column in (found, queries, values))
    return Rows(labelled, asked, numbers, np.array(indices, np.int64), np.array(ends, np.int64))


def query(token: str) -> float:
    """Read the number of `qid:number`. Raises InputError."""
    digits = token.removeprefix("qid:")
    if not digits.isascii() or not digits.isdigit():
        raise InputError(f"expected qid:number, not {shown(token)}")
    return float(digits)


def pair(token: str) -> tuple[int, float]:
    """Return the index and the value of `index:value`. Raises InputError."""
    index, colon, value = token.partition(":")
    if not colon or not index.isascii() or not index.isdigit() or int(index) > LARGEST_INDEX:
        raise InputError(f"expected index:value, not {shown(token)}")
    if not FORM.fullmatch(value):
        raise InputError(f"{shown(token)}: {shown(value)} is not a number")
    return int(index), number(value)
