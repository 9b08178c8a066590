"""Two hundred malformed requests, made from the project's own sample requests: no 5xx, no crash, no silence."""

import json
import random
import re
import struct
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import post, serving, train

SEED = 20261120
COUNT = 200
CONTENT_TYPES = (
    "text/csv",
    "application/json",
    "application/jsonlines",
    "application/x-npy",
    "text/csv; charset=utf-16",
)
FRAGMENTS = [
    *(
        b"",
        b"\x00",
        b"\xff\xfe",
        b"\n\n\n",
        b",,,,",
        b'"',
        b"'",
        b"{",
        b"[[",
        b"nan",
        b"inf",
        b"-1e999",
        b"null",
        b"1;2;3",
    ),
    *(
        b"<xml/>",
        b"../../etc/passwd",
        b"\xf0\x9f\x92\xa9",
        b"1" * 400,
        b"[" * 5000,
        b'{"instances": 5}',
        b'{"instances": {}}',
    ),
    *(
        b'[{"a": [1]}]',
        b"[[[[1]]]]",
        b"[null]",
        b"[[]]",
        b"[[1], [1, 2]]",
        b"true",
        b'"text"',
        b"9" * 5000,
        b"\r",
        b"1,2\n3",
    ),
]


def npy(header: str, body: bytes) -> bytes:
    """Return an .npy file with any header one likes, true or not."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


NPY = [
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 9), }", b"\x00" * 8),
    npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }", b"cos\nsystem\n(S'true'\ntR."),
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 1), }", b"\x00" * 8),
    npy("{'descr': '<c16', 'fortran_order': False, 'shape': (1, 1), }", b"\x00" * 16),
    npy("{'descr': '<f8'}", b""),
    npy("__import__('os').system('true')", b""),
]


def malformed(sample: dict) -> list[tuple[str, bytes]]:
    """COUNT bodies with a content type each: fragments, and the sample's requests cut, flipped, mislabelled."""
    rng = random.Random(SEED)
    good = [(request["content_type"], request["body"].encode()) for request in sample["requests"]]
    made = [("application/x-npy", body) for body in NPY]
    while len(made) < COUNT:
        content_type, body = rng.choice(good)
        change = rng.randrange(6)
        if change == 0:
            content_type, body = rng.choice(CONTENT_TYPES), rng.choice(FRAGMENTS)
        elif change == 1:
            body = body[: rng.randrange(len(body))]
        elif change == 2:
            place = rng.randrange(len(body))
            body = body[:place] + rng.choice(FRAGMENTS) + body[place:]
        elif change == 3:
            body = bytes(byte ^ (1 << rng.randrange(8)) if rng.random() < 0.1 else byte for byte in body)
        elif change == 4:
            content_type, body = rng.choice(CONTENT_TYPES), rng.randbytes(rng.randrange(1, 2000))
        else:
            content_type, body = rng.choice([t for t in CONTENT_TYPES if t != content_type]), body + body
        made.append((content_type, body))
    return made


@pytest.fixture
def server(project: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of the project's own `serve`, with a model that its own `train` made; and its log."""
    train(project, tmp_path)
    with serving(project, tmp_path) as served:
        yield served


def test_malformed_requests_never_get_a_5xx(project: Path, server):
    url, log = server
    sample = tomllib.loads((project / "sample/sample.toml").read_text())
    good = sample["requests"][0]
    expected = post(url, good["content_type"], good["body"].encode())
    assert expected[0] == 200

    payloads = malformed(sample)
    answers = [post(url, *payload) for payload in payloads]
    wrong = [(answer, payload) for answer, payload in zip(answers, payloads, strict=True) if answer[0] >= 500]
    assert not wrong, wrong[:3]
    refused = [body for status, body in answers if status != 200]
    assert len(refused) > COUNT / 2, "most of these payloads should be refused"
    assert all(json.loads(body)["error"] for body in refused)
    assert post(url, good["content_type"], good["body"].encode()) == expected
    # Not every algorithm's predictions fit into every format; the client that asks for it is told so.
    assert post(url, good["content_type"], good["body"].encode(), "application/x-npy")[0] in (200, 406)
    assert not re.search("Traceback|Unexpected exit", log.read_text()), log.read_text()[-2000:]
