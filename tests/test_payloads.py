"""Two hundred malformed requests, made from the project's own sample requests: no 5xx, no crash, no silence."""

import json
import os
import random
import re
import socket
import struct
import subprocess
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from commands import run

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


def post(url: str, content_type: str, body: bytes, accept: str = "*/*") -> tuple[int, bytes]:
    """Send one request; the status and the body of its answer, whatever it is."""
    request = urllib.request.Request(
        f"{url}/invocations", data=body, headers={"Content-Type": content_type, "Accept": accept}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture
def server(project: Path, tmp_path: Path):
    """The URL of the project's own `serve`, as a local process, with a model that its own `train` made."""
    run("make", "environment", cwd=project)
    sample = tomllib.loads((project / "sample/sample.toml").read_text())["training"]
    config = tmp_path / "ml/input/config"
    config.mkdir(parents=True)
    (tmp_path / "ml/input/data").mkdir()
    for channel in sample["channels"]:
        (tmp_path / "ml/input/data" / channel).symlink_to(project / "sample" / channel)
    strings = {name: str(value) for name, value in sample["hyperparameters"].items()}
    (config / "hyperparameters.json").write_text(json.dumps(strings))
    (config / "inputdataconfig.json").write_text(json.dumps({name: {} for name in sample["channels"]}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = f"{project}/.venv/bin:{os.environ['PATH']}"
    environment = {"PATH": path, "SAGEMAKER_BASE_DIR": str(tmp_path / "ml"), "SAGEMAKER_BIND_TO_PORT": str(port)}
    run(project / "runtime/train", env=environment)
    log = tmp_path / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen([project / "runtime/serve"], env=environment, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield url, log
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()


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
