"""Content types: request bodies to arrays, predictions to response bodies (contract I12, B4).

Nothing here ever unpickles: `.npy` bodies with Python objects in them are refused.
"""

import csv
import io
import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from runtime.data.tables import Features, Table, matrix, read_csv
from runtime.errors import FormatError, InputError

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"
NPY = "application/x-npy"

# Every media type that is understood, by the name it is answered with.
MEDIA_TYPES = {
    CSV: CSV,
    JSON: JSON,
    JSON_LINES: JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
    NPY: NPY,
}


def decode(body: bytes, media_type: str, charset: str = "utf-8", features: Features | None = None) -> np.ndarray:
    """Read a request body as an array of shape (rows, features); see `tables.matrix` for its dtype.

    `media_type` is a value of MEDIA_TYPES. Raises InputError that says what is wrong with which line.
    """
    if media_type == NPY:
        return _decode_npy(body, features)
    try:
        text = body.decode(charset).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise InputError(f"the body is not text in {charset}: {error}") from None
    if media_type == CSV:
        return _decode_csv(text, features)
    if media_type == JSON:
        document = _loads(text, "the body")
        if isinstance(document, dict) and "instances" not in document:
            raise InputError('the JSON object has no "instances": send {"instances": [[...], ...]}')
        instances = document["instances"] if isinstance(document, dict) else document
        rows = instances if isinstance(instances, list) else [instances]
        unit = "instance"
        lines: Iterable[int] = range(1, len(rows) + 1)
    else:
        numbered = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
        rows = [_loads(line, f"line {number}") for number, line in numbered]
        unit = "line"
        lines = [number for number, _ in numbered]
    if not rows:
        raise InputError("no rows: expected at least one")
    if isinstance(rows[0], dict):
        if wrong := [index for index, row in enumerate(rows) if not isinstance(row, dict)]:
            raise InputError(f"{unit} {wrong[0] + 1} is not an object like the first")
    else:
        rows = [row if isinstance(row, list) else [row] for row in rows]
    return matrix(Table(rows, list(lines), unit=unit), features)


def _decode_csv(text: str, features: Features | None) -> np.ndarray:
    if features is None and not text.isspace() and text:
        try:
            # In C, and right for nearly every request; whatever it refuses is read again below to say why.
            values = np.loadtxt(io.StringIO(text), delimiter=",", comments=None, quotechar='"', ndmin=2)
        except ValueError:
            pass
        else:
            if np.isfinite(values).all():
                return values
    table = read_csv(text)
    if features and set(features) <= {name.strip() for name in table.rows[0]}:
        table = read_csv(text, header=True)
    return matrix(table, features)


def _loads(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error or 'nested too deeply'}") from None


def _decode_npy(body: bytes, features: Features | None) -> np.ndarray:
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
    values = np.frombuffer(body, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran else "C")
    if features:
        return matrix(Table(values.tolist(), range(1, len(values) + 1), unit="row"), features)
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"row {int(np.argwhere(~np.isfinite(values))[0][0]) + 1} holds a value that is not finite")
    return values


def encode(predictions: Any, media_type: str, *, batch: bool = False) -> bytes:
    """Write predictions, one for each row: numbers, texts, lists or dicts, or an array of them.

    In text formats each prediction is a line. SageMaker's batch transform adds the line break after the last one
    itself (AssembleWith=Line, contract B4), so with `batch` it is left out.
    Raises FormatError for predictions that .npy cannot hold, TypeError for what JSON cannot.
    """
    rows = predictions.tolist() if isinstance(predictions, np.ndarray) else list(predictions)
    if media_type == NPY:
        try:
            array = np.asarray(rows)
        except ValueError:  # rows of different lengths
            array = np.asarray(None)
        if array.dtype.kind not in "biufU":
            raise FormatError(f"the predictions do not fit into an .npy array: ask for {JSON}")
        stream = io.BytesIO()
        np.save(stream, array, allow_pickle=False)
        return stream.getvalue()
    if media_type == JSON:
        return _dumps({"predictions": rows}).encode() + b"\n"
    if media_type == JSON_LINES:
        text = "\n".join(map(_dumps, rows))
    elif {float, int} >= set(map(type, rows)):
        text = "\n".join(map(str, rows))
    else:
        stream_text = io.StringIO()
        csv.writer(stream_text, lineterminator="\n").writerows(_flat(row) for row in rows)
        text = stream_text.getvalue().removesuffix("\n")
    return (text if batch else text + "\n").encode()


def _dumps(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False, default=_plain)
    except ValueError:  # JSON has no infinity and no nan
        return json.dumps(_finite(value), default=_plain)


def _plain(value: Any) -> Any:
    """A numpy value as plain Python."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a prediction holds a {type(value).__name__}, which JSON cannot hold")


def _finite(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _flat(row: Any) -> list[Any]:
    """The values of one prediction side by side, in order."""
    if isinstance(row, dict):
        row = list(row.values())
    if isinstance(row, np.ndarray):
        row = row.tolist()
    if isinstance(row, list | tuple):
        return [value for item in row for value in _flat(item)]
    return [row]
