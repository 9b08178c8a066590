"""Content types: request bodies to arrays, predictions to response bodies (contract I12, B4)."""

import csv
import io
import re
from typing import Any

import numpy as np
import orjson

from runtime.data import arrays, csv_rows, npy
from runtime.data.arrays import Shape
from runtime.data.csv_bulk import NUMERIC
from runtime.data.csv_rows import is_missing, unix
from runtime.data.numbers import FORM, LARGEST
from runtime.data.tables import CsvTable, Features, Rows, decoded, matrix
from runtime.errors import InputError

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"
NPY = "application/x-npy"

# Every media type that is accepted, with the name that it is answered with.
MEDIA_TYPES = {
    CSV: CSV,
    JSON: JSON,
    JSON_LINES: JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
    NPY: NPY,
}
# The names under which a JSON object may have its rows; the first that it has counts.
ROWS = ("instances", "inputs")
# The escape, not a backslash that is itself escaped before a "u".
ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# Bytes of CSV from which on polars is worth the tenth of a second that it takes to load.
LARGE = 1 << 18


def decode(
    body: bytes,
    media_type: str,
    charset: str = "utf-8",
    features: Features | None = None,
    shape: Shape | None = None,
    *,
    batch: bool = False,
) -> Any:
    """Read a request body by the rules of grammar.md; see `tables.matrix` for the result.

    With the `shape` of a row it becomes an array of shape (rows, *shape), float64. `media_type` is a value of
    MEDIA_TYPES; with `batch` a blank line is an error, because each is a record. Raises InputError that names the
    line and the reason.
    """
    if media_type == NPY:
        return npy.decode(body, features, shape)
    text = decoded(body, charset, "the body")
    if media_type == CSV:
        values = _decode_csv(text, features, batch)
        return arrays.of_values(values, shape) if shape else values
    if media_type == JSON:
        rows = _instances(_loads(text, "the body"))
        lines, unit = list(range(1, len(rows) + 1)), "instance"
    else:
        rows, lines, unit = *_json_lines(text, batch), "line"
    if not rows:
        raise InputError("no rows: expected at least one")
    if shape:
        return arrays.of_rows(rows, lines, unit, shape)
    if isinstance(rows[0], dict):
        if wrong := [line for line, row in zip(lines, rows, strict=True) if not isinstance(row, dict)]:
            raise InputError(f"{unit} {wrong[0]} is not an object like the first")
    else:
        rows = [row if isinstance(row, list) else [row] for row in rows]
    return matrix(Rows(rows, lines, unit=unit), features)


def _decode_csv(text: str, features: Features | None, batch: bool) -> Any:
    text = unix(text)
    if features is None and len(text) < LARGE and (values := _few_numbers(text)) is not None:
        return values

    def is_header(cells: list[str]) -> bool:
        return features is not None and _names_features(cells, features)

    if len(text) >= LARGE:
        content = text.encode()
        table = CsvTable(lambda: io.BytesIO(content), is_header, every_line=batch, partial=True)
        if table.has_rows():
            return matrix(table, features)
    else:
        rows, lines = csv_rows.read(text, every_line=batch)
        names = None
        if rows and is_header(rows[0]):
            names, rows, lines = [str(cell) for cell in rows[0]], rows[1:], lines[1:]
        if rows:
            return matrix(Rows(rows, lines, names, csv=True, partial=True), features)
    raise InputError("no rows: expected at least one line of comma-separated values")


def _few_numbers(text: str) -> np.ndarray | None:
    """Return rows of numbers, read by Python; None if there are other characters, which Python might accept."""
    if text.encode().translate(None, NUMERIC):
        return None
    try:
        values = np.array([[float(cell) for cell in line.split(",")] for line in text.removesuffix("\n").split("\n")])
    except ValueError:
        return None
    return values if values.ndim == 2 and (np.abs(values) <= LARGEST).all() else None


def _names_features(cells: list[str], features: Features) -> bool:
    """Return whether the first line is a header: it has all names, or some of them and cannot be a row (rule 7)."""
    if set(features) <= set(cells):
        return True
    if set(features).isdisjoint(cells):
        return False
    return len(cells) != len(features) or any(
        kind is float and not is_missing(cell) and not FORM.fullmatch(cell)
        for cell, kind in zip(cells, features.values(), strict=True)
    )


def _instances(document: Any) -> list[Any]:
    """Return the rows of a JSON document."""
    if isinstance(document, dict):
        found = next((name for name in ROWS if name in document), None)
        if found is None:
            raise InputError('the JSON object has no "instances": send {"instances": [[...], ...]}')
        document = document[found]
    return document if isinstance(document, list) else [document]


def _json_lines(text: str, batch: bool) -> tuple[list[Any], list[int]]:
    """Return the values of JSON Lines, and the numbers of their lines."""
    rows, lines = [], []
    for number, line in enumerate(unix(text).removesuffix("\n").split("\n"), start=1):
        if line.strip(" \t"):
            rows.append(_loads(line, f"line {number}"))
            lines.append(number)
        elif batch:
            raise InputError(f"line {number} is blank: in batch transform each line is a record")
    return rows, lines


def _loads(text: str, where: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{where} is not JSON: {error}") from None
    if ESCAPED_NUL.search(text):
        raise InputError(f"{where} holds the character U+0000")
    return value


def encode(predictions: Any, media_type: str, *, batch: bool = False) -> bytes:
    """Write predictions, one for each row: numbers, texts, lists or dicts, or an array of them.

    In text formats each prediction is a line. SageMaker's batch transform adds the line break after the last one
    itself (AssembleWith=Line, contract B4), so with `batch` it is left out.
    Raises FormatError for predictions that .npy cannot hold, TypeError for what JSON cannot.
    """
    if not isinstance(predictions, np.ndarray):
        predictions = list(predictions)
    if media_type == NPY:
        return npy.encode(predictions)
    if media_type == JSON:
        text = b'{"predictions":' + _dumps(predictions) + b"}"
    elif media_type == JSON_LINES:
        text = b"\n".join(map(_dumps, predictions))
    else:
        text = _csv(predictions)
    return text if batch else text + b"\n"


def _csv(predictions: Any) -> bytes:
    """Return each prediction as a line: its values side by side, in order."""
    if isinstance(predictions, np.ndarray) and _finite_numbers(predictions):
        # JSON of numbers is CSV except for its brackets, and is written many times as fast.
        between_rows = b"," if predictions.ndim == 1 else b"],["
        return _dumps(predictions).strip(b"[]").replace(between_rows, b"\n")
    rows = predictions.tolist() if isinstance(predictions, np.ndarray) else predictions
    if {float, int} >= set(map(type, rows)):
        return "\n".join(map(str, rows)).encode()
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(_flat(row) for row in rows)
    return stream.getvalue().removesuffix("\n").encode()


def _finite_numbers(array: np.ndarray) -> bool:
    """Return whether each prediction is a number or a row of numbers, all of them finite."""
    return array.dtype.kind in "fiu" and array.ndim in (1, 2) and array.size > 0 and bool(np.isfinite(array).all())


def _dumps(value: Any) -> bytes:
    """Return a value as JSON, with null for numbers that are not finite. Raises TypeError."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError as error:
        raise TypeError(f"a prediction cannot be written as JSON: {error}") from None


def _plain(value: Any) -> Any:
    """Return a value that orjson does not write by itself, such as an array that is not contiguous."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"it holds a {type(value).__name__}")


def _flat(row: Any) -> list[Any]:
    """Return the values of one prediction side by side, in order."""
    if isinstance(row, dict):
        row = list(row.values())
    if isinstance(row, np.ndarray | np.generic):
        row = row.tolist()
    if isinstance(row, list | tuple):
        return [value for item in row for value in _flat(item)]
    return [row]
