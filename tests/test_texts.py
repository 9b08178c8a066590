"""Hugging Face, at the outside: a model goes from one job into another; requests are those of its own container."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from programs import post, serving, train
from template import MATRIX

pytestmark = pytest.mark.frameworks([pair for pair in MATRIX if pair[1] == "huggingface"])

BILL, PRAISE = "My card was charged twice, for the lamp.", "Thank you for the friendly help."
JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"
# Content type, body, and the labels in an answer of the same form.
REQUESTS = [
    (JSON, json.dumps({"inputs": BILL}), ["payment"]),
    (JSON, json.dumps({"inputs": [BILL, PRAISE]}), ["payment", "praise"]),
    (JSON, json.dumps({"inputs": BILL, "parameters": {"top_k": 1}}), ["payment"]),
    (JSON, json.dumps({"inputs": [BILL, PRAISE], "parameters": {"top_k": 1}}), [["payment"], ["praise"]]),
    (LINES, f"{json.dumps({'inputs': BILL})}\n{json.dumps({'inputs': PRAISE})}\n", ["payment", "praise"]),
    (CSV, f'"{BILL}"\n{PRAISE}\n', ["payment", "praise"]),
]


def labels(answer: list | dict) -> Any:
    """Return an answer with labels in place of labels and scores."""
    return [labels(one) for one in answer] if isinstance(answer, list) else answer["label"]


def test_a_model_goes_on_in_another_job_and_answers_as_hugging_faces_container(project: Path, tmp_path: Path):
    train(project, tmp_path / "first", epochs=4)
    log = train(project, tmp_path / "second", {"model": tmp_path / "first/model"}, epochs=1)
    assert float(re.findall(r"^epoch=1 .*validation:accuracy=(\S+)", log, re.MULTILINE)[0]) > 0.9

    with serving(project, tmp_path / "second") as (url, _):
        for content_type, body, expected in REQUESTS:
            status, answer = post(url, content_type, body.encode(), JSON)
            assert status == 200, (body, answer)
            assert labels(json.loads(answer)) == expected, body
        body = json.dumps({"inputs": BILL, "parameters": {"top_k": None}})
        scores = [one["score"] for one in json.loads(post(url, JSON, body.encode())[1])]
        assert scores == sorted(scores, reverse=True)
        assert (len(scores), sum(scores)) == (4, pytest.approx(1, abs=1e-5))
        body = json.dumps({"inputs": BILL, "parameters": {"temperature": 1}})
        status, answer = post(url, JSON, body.encode())
        assert (status, "the parameter 'temperature' is unknown" in json.loads(answer)["error"]) == (400, True)
