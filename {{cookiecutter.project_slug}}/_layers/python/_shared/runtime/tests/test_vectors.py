"""What grammar.md says, by the vectors that R's runtime is tested with too: vectors.json.

A vector is a request and what is right: its `status`, the rows that are decoded (`values`), the media type of the
answer (`answered`), or a word of the error (`says`). `…` in its texts stands for a piece that is repeated (`repeat`);
`double` marks numbers that a framework refuses which computes in float32.
"""

import base64
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from runtime import framework
from runtime.serving import handlers
from runtime.serving.answer import Answers
from runtime.serving.settings import Settings

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
KINDS = {"number": float, "text": str}
SETTINGS = Settings(port=8080, workers=1, max_payload_mb=1, batch=False, timeout=60, queue=8)


def full(vector, value):
    """Return a text of a vector, or the values in a list, with the piece that it repeats."""
    if isinstance(value, list):
        return [full(vector, one) for one in value]
    if isinstance(value, str) and "repeat" in vector:
        piece, times = vector["repeat"]
        return value.replace("…", piece * times)
    return value


def body(vector):
    """Return the bytes to send."""
    return base64.b64decode(vector["base64"]) if "base64" in vector else full(vector, vector["body"]).encode()


def echo(names):
    """Return an algorithm that predicts the rows that it is given, objects by name where features are declared."""

    def predict(model, rows):
        if not names:
            return rows
        if isinstance(rows, np.ndarray) and rows.dtype.names is None:  # all are numbers
            columns = rows.T
        else:
            columns = [np.asarray(rows[name]) for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*(one.tolist() for one in columns), strict=True)]

    return predict


def answer(vector):
    """Return what the runtime answers to a vector."""
    features = {name: KINDS[kind] for name, kind in vector.get("features", {}).items()}
    algorithm = SimpleNamespace(
        predict=echo(list(features)), FEATURES=features or None, INPUT_SHAPE=vector.get("shape")
    )
    steps = handlers.resolve(algorithm, SimpleNamespace(load=None, save=None), batch=vector.get("batch", False))
    headers = {name.lower(): value for name, value in vector.get("headers", {}).items()}
    accept = vector.get("accept", "application/json")
    return Answers(None, steps, SETTINGS).invoke(vector["type"], accept, headers, body(vector))


def alike(found, wanted):
    """Return whether two values are the same, numbers but for the last digit."""
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return math.isclose(found, wanted, rel_tol=1e-15)
    return type(found) is type(wanted) and found == wanted


def decoded(answered):
    """Return the values of an echo's answer: a list for each row."""
    rows = json.loads(answered.body)["predictions"]
    return [list(row.values()) if isinstance(row, dict) else row for row in rows]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["about"] for vector in VECTORS])
def test_a_request_is_read_as_the_grammar_says(vector):
    answered = answer(vector)
    if vector.get("double") and framework.SINGLE_PRECISION:
        assert answered.status == 400
        return
    assert answered.status == vector["status"], answered.body
    assert not (vector.get("batch") and answered.status == 200 and answered.body.endswith(b"\n"))
    assert answered.content_type == vector.get("answered", "application/json")
    assert vector.get("says", "") in answered.body.decode("utf-8", "replace")
    if "values" in vector:
        found, wanted = decoded(answered), full(vector, vector["values"])
        assert [len(row) for row in found] == [len(row) for row in wanted]
        assert all(alike(*pair) for rows in zip(found, wanted, strict=True) for pair in zip(*rows, strict=True)), found
