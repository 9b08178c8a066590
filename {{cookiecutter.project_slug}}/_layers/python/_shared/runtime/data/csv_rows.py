"""CSV read cell by cell, strictly (rules 1 to 3 of grammar.md): for small data, and to explain what is wrong."""

import re
from collections.abc import Iterator

from runtime.errors import InputError

# A cell and its end: a text in quotes, or one without, which cannot begin with a quote. Possessive quantifiers (*+) do
# not backtrack, so that the time for a cell is linear in its length.
CELL = re.compile(r'[ \t]*+(?:"([^"]*+(?:""[^"]*+)*+)"[ \t]*+|(?!")([^,\n]*+))(,|\n|\Z)')
CLOSED = re.compile(r'[ \t]*+"[^"]*+(?:""[^"]*+)*+"')
MISSING = frozenset({"", "NA", "NaN", "nan", "null"})
BLANK = " \t\n"


class Quoted(str):
    """A cell that stood in quotes: always a text, never missing."""

    __slots__ = ()


def is_missing(cell: str) -> bool:
    """Return whether a cell stands for a missing value (rule 6)."""
    return type(cell) is str and cell in MISSING


def read(text: str, *, source: str = "", first_line: int = 1, every_line: bool = False) -> tuple[list, list[int]]:
    """Split CSV text, whose lines end with LF, into rows of cells; also return the line where each begins.

    With `every_line` a blank line is an error, else it is skipped. Raises InputError for text that is not CSV.
    """
    rows, lines = [], []
    for line, row in _quoted(text, source, first_line) if '"' in text else _plain(text, first_line):
        if row is not None:
            rows.append(row)
            lines.append(line)
        elif every_line:
            raise InputError(f"{source}line {line} is blank: in batch transform each line is a record")
    return rows, lines


def first(text: str, source: str = "") -> tuple[list[str], int, int] | None:
    """Return the first row of a CSV text, the number of its line and the place after it; None without a row."""
    place, line = 0, 1
    while place < len(text):
        row, end = _row(text, place, line, source)
        if row is not None:
            return row, line, end
        place, line = end, line + 1
    return None


def unix(text: str) -> str:
    """Return the text with LF at the end of its lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _plain(text: str, line: int) -> Iterator[tuple[int, list[str] | None]]:
    spaces = " " in text or "\t" in text
    for number, one in enumerate(text.removesuffix("\n").split("\n"), start=line):
        if not one or (spaces and not one.strip(BLANK)):
            yield number, None
        elif spaces:
            yield number, [cell.strip(BLANK) for cell in one.split(",")]
        else:
            yield number, one.split(",")


def _quoted(text: str, source: str, line: int) -> Iterator[tuple[int, list[str] | None]]:
    place = 0
    while place < len(text):
        quote = text.find('"', place)
        end = text.rfind("\n", place, quote) + 1 if quote != -1 else len(text)
        if end > place:  # lines without quotes
            yield from _plain(text[place:end], line)
        else:
            row, end = _row(text, place, line, source)
            yield line, row
        line += text.count("\n", place, end)
        place = end


def _row(text: str, place: int, line: int, source: str) -> tuple[list[str] | None, int]:
    """Return the row that begins at a place, None for a blank line; and the place after it."""
    row: list[str] = []
    while True:
        found = CELL.match(text, place)
        if found is None:
            raise InputError(f"{source}line {line}: not CSV: {_complaint(text, place)}")
        quoted, bare, end = found.groups()
        row.append(bare.rstrip(" \t") if quoted is None else Quoted(quoted.replace('""', '"')))
        place = found.end()
        if end != ",":
            blank = len(row) == 1 and row[0] == "" and type(row[0]) is str
            return None if blank else row, place


def _complaint(text: str, place: int) -> str:
    """Return what is wrong with the quotes of the cell at a place."""
    return "text stands after a closing quote" if CLOSED.match(text, place) else "a quote is opened and not closed"
