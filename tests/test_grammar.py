"""Python and R read requests alike: the vectors of grammar.md and thousands of damaged ones, sent to servers of both.

And their ports are closed until they can answer.

GRAMMAR_MUTATIONS=100000 sends that many damaged ones instead of the usual number.
"""

import base64
import errno
import http.client
import json
import math
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from commands import run
from programs import free_port
from template import LAYERS, ONE_EACH, ROOT

# The project that the session shares is Python's; R's needs no environment, and is made here.
pytestmark = pytest.mark.frameworks([pair for pair in ONE_EACH if pair[0] == "python"])

VECTORS = json.loads((LAYERS / "_shared/runtime/tests/vectors.json").read_text(encoding="utf-8"))
SEED = 20261129
MUTATIONS = int(os.environ.get("GRAMMAR_MUTATIONS", "2000"))
PATIENCE = 30  # seconds until a server listens

# Algorithms whose predictions are the rows that they are given. What they declare stands in the environment.
ECHOES = {
    "algorithm.py": """
import json
import os

KINDS = {"number": float, "text": str}
FEATURES = {name: KINDS[kind] for name, kind in json.loads(os.environ["ECHO_FEATURES"]).items()} or None
INPUT_SHAPE = json.loads(os.environ["ECHO_SHAPE"])


def model_fn(model_dir):
    return "no model"


def predict(model, rows):
    if FEATURES is None:
        return rows
    columns = rows.T if rows.dtype.names is None else [rows[name] for name in FEATURES]
    return [dict(zip(FEATURES, row)) for row in zip(*(column.tolist() for column in columns))]
""",
    "algorithm.R": """
features <- jsonlite::parse_json(Sys.getenv("ECHO_FEATURES"))
if (length(features) == 0) {
  features <- NULL
}
shape <- jsonlite::parse_json(Sys.getenv("ECHO_SHAPE"))
input_shape <- unlist(lapply(shape, function(length) if (is.null(length)) NA else length))
model_fn <- function(model_dir) "no model"
predict <- function(model, features) features
""",
}

# What bodies are damaged with: pieces that formats, and readers of them, disagree about.
SNIPPETS = [
    *(b'"', b'""', b"'", b",", b";", b"\n", b"\r", b"\r\n", b"\n\n", b" ", b"\t", b"\\", b"_", b".", b"-", b"+", b"e"),
    *(b"NA", b"NaN", b"nan", b"null", b"NULL", b"inf", b"true", b"True", b"FALSE", b"1e999", b"1e-400", b"0x", b"1d5"),
    *(b"1L", b"1_000", b"007", b"9007199254740993", b"3000000000", b"1e5", b"-0", b"0.1", b".5", b"5.", b"1e15"),
    *(b"[", b"]", b"{", b"}", b"[[", b"]]", b"[]", b"{}", b":", b"//", b"/*", b"*/", b"#", b"\\u0000", b"\\u00e9"),
    *(
        b'"x":',
        b'"code":',
        b'"instances":',
        b'"inputs":',
        b"code",
        b"amount",
        b"note",
        b"code,amount,note\n",
        b'"NA"',
        b'"5"',
    ),
    *(b'" 5"', b"\x00", b"\x0b", b"\x0c", b"\x1a", b"\x7f", b"\xc3\xa9", b"\xc3", b"\xa9", b"\xef\xbb\xbf"),
    *(b"\xff\xfe", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xef\xbc\x91", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\\ud800"),
    b"\xc2\x85",
]


@dataclass(frozen=True)
class Setting:
    """What is the same for all requests to a server."""

    features: str  # JSON
    shape: str  # JSON
    batch: bool


@dataclass(frozen=True)
class Request:
    """A request, and the status that is right, where that is known."""

    setting: Setting
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Accept": "application/json"})
    status: int | None = None


def request_of(vector: dict) -> Request:
    """Return the request that a vector describes."""
    body = base64.b64decode(vector["base64"]) if "base64" in vector else vector["body"].encode()
    if "repeat" in vector:
        piece, times = vector["repeat"]
        body = body.replace("…".encode(), piece.encode() * times)
    setting = Setting(
        json.dumps(vector.get("features", {})), json.dumps(vector.get("shape")), vector.get("batch", False)
    )
    headers = {"Accept": vector.get("accept", "application/json"), **vector.get("headers", {})}
    return Request(setting, vector["type"], body, headers, vector["status"])


def mutated(rng: random.Random, body: bytes, other: bytes) -> bytes:
    """Return a body with up to three bytes or pieces deleted, inserted, replaced, doubled or swapped, or a new end."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randint(0, len(body))
        end = min(len(body), start + rng.choice((1, 1, 1, 2, 5)))
        piece = rng.choice((rng.choice(SNIPPETS), rng.choice(SNIPPETS), bytes([rng.randrange(256)])))
        before, there, after = body[:start], body[start:end], body[end:]
        body = rng.choice(
            (
                before + after,
                before + piece + there + after,
                before + piece + after,
                before + there + there + after,
                before + after[:1] + there + after[1:],
                before + other[rng.randint(0, len(other)) :],
            )
        )
    return body


def mutations(count: int) -> Iterator[Request]:
    """Yield requests with damaged bodies, the same each time."""
    rng = random.Random(SEED)
    plain = [vector for vector in VECTORS if not {"repeat", "accept", "headers"} & set(vector)]
    good = [request_of(vector) for vector in plain if vector["status"] in (200, 400)]
    alike: dict[Setting, list[Request]] = {}
    for request in good:
        alike.setdefault(request.setting, []).append(request)
    for _ in range(count):
        request = rng.choice(good)
        other = rng.choice(alike[request.setting])
        yield Request(request.setting, request.content_type, mutated(rng, request.body, other.body))


@pytest.fixture(scope="module")
def echoes(project: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Projects of Python and R whose algorithms are echoes."""
    run("make", "environment", cwd=project)
    folder = tmp_path_factory.mktemp("echoes")
    shutil.copytree(project / "runtime", folder / "echo-python/runtime")
    (folder / "echo-python/.venv").symlink_to(project / ".venv")
    language, framework = next(pair for pair in ONE_EACH if pair[0] == "r")
    answers = [f"language={language}", f"framework={framework}", "project_name=echo-r"]
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "--output-dir", str(folder)]
    run(*command, str(ROOT), *answers)
    projects = [folder / "echo-python", folder / "echo-r"]
    for echo, (file, code) in zip(projects, ECHOES.items(), strict=True):
        (echo / file).write_text(code)
    return projects


@contextmanager
def served(project: Path, setting: Setting, base: Path) -> Iterator[int]:
    """Serve a project as a local process with one worker; yields its port."""
    (base / "model").mkdir(parents=True)
    port = free_port()
    environment = {
        "PATH": f"{project}/.venv/bin:{os.environ['PATH']}",
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        "SAGEMAKER_BATCH": str(setting.batch).lower(),
        "ECHO_FEATURES": setting.features,
        "ECHO_SHAPE": setting.shape,
    }
    log = base / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen([project / "runtime/serve"], env=environment, stdout=output, stderr=output)
    try:
        await_port(port, process, log)
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE)


def await_port(port: int, server: subprocess.Popen, log: Path) -> None:
    """Wait until a server listens."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(f"nothing listens: {log.read_text()}")


@dataclass(frozen=True)
class Answer:
    """An answer: its status, its media type, and the rows of values that it holds where it is JSON."""

    status: int
    content_type: str
    rows: list[list[Any]] | None


def sent(project: Path, setting: Setting, base: Path, requests: Sequence[Request]) -> list[Answer]:
    """Return what a project's server answers to requests, which come by one connection as long as it keeps that."""
    with served(project, setting, base) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        answers = []
        for request in requests:
            headers = {"Content-Type": request.content_type, **request.headers}
            connection.request("POST", "/invocations", request.body, headers)
            answers.append(answer_of(connection.getresponse()))
        connection.close()
    return answers


def answer_of(response: http.client.HTTPResponse) -> Answer:
    """Return what a response says. Async inference needs a length, and nothing that a client must unpack first."""
    body = response.read()
    assert response.headers["Content-Length"] == str(len(body))
    assert "Content-Encoding" not in response.headers
    content_type = response.headers["Content-Type"]
    if response.status != 200 or content_type != "application/json":
        return Answer(response.status, content_type, None)
    rows = [list(row.values()) if isinstance(row, dict) else row for row in json.loads(body)["predictions"]]
    return Answer(response.status, content_type, rows)


def answered(echoes: list[Path], folder: Path, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer, Answer]]:
    """Yield each request with Python's answer and R's."""
    settings = list(dict.fromkeys(request.setting for request in requests))
    for number, setting in enumerate(settings):
        same = [request for request in requests if request.setting == setting]
        with ThreadPoolExecutor() as pool, ExitStack() as stack:
            stack.callback(shutil.rmtree, folder / str(number), ignore_errors=True)
            both = [pool.submit(sent, echo, setting, folder / str(number) / echo.name, same) for echo in echoes]
            yield from zip(same, *(one.result() for one in both), strict=True)


def alike(one: Any, other: Any) -> bool:
    """Return whether two rows or values are the same, numbers but for the last digit."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-15)
    return type(one) is type(other) and one == other


def differ(one: Answer, other: Answer) -> bool:
    """Return whether two answers are not the same."""
    return (one.status, one.content_type) != (other.status, other.content_type) or not alike(one.rows, other.rows)


# Rule 4, written again independently.
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def number(value: Any) -> float:
    """Return the number that a cell or a JSON value is. Raises ValueError for anything else."""
    if isinstance(value, bool | int | float):
        return float(value)
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def numbers(value: Any) -> list[float]:
    """Return the numbers that a row is, or the lists in it hold. Raises ValueError."""
    return [one for part in value for one in numbers(part)] if isinstance(value, list) else [number(value)]


def rows_of_numbers(request: Request) -> list[list[float]] | None:
    """Return the numbers in the body of an answered request, read again in the simplest way; None for .npy.

    Raises ValueError where the grammar has no such rows.
    """
    media_type, _, charset = re.sub(r'[" ]', "", request.content_type.lower()).partition(";charset=")
    if media_type == "application/x-npy":
        return None
    text = request.body.decode(charset or "utf-8").removeprefix("\ufeff")
    lines = [line for line in re.split("\r\n|\r|\n", text) if line.strip(" \t")]
    if media_type.startswith("text/csv"):
        cells = [[cell.strip(" \t") for cell in line.split(",")] for line in lines]
        return [[number(re.sub('^"(.*)"$', r"\1", cell)) for cell in row] for row in cells]
    document = json.loads(text) if media_type == "application/json" else list(map(json.loads, lines))
    if isinstance(document, dict):
        document = document.get("instances", document.get("inputs"))
    return [numbers(row) for row in listed(document)]


def listed(value: Any) -> list[Any]:
    """Return a value that may stand alone, as a list."""
    return value if isinstance(value, list) else [value]


def invented(request: Request, answer: Answer) -> bool:
    """Return whether an answer holds other numbers than its request."""
    if answer.rows is None or request.setting.features != "{}":
        return False
    try:
        expected = rows_of_numbers(request)
    except ValueError:
        return True
    return expected is not None and not alike([numbers(row) for row in answer.rows], expected)


def acceptable(request: Request, python: Answer, r: Answer) -> bool:
    """Return whether two answers are right, where that is known, and else what the grammar allows."""
    both = (python, r)
    right = request.status is None or python.status == r.status == request.status
    refused_or_read = not any(answer.status >= 500 or invented(request, answer) for answer in both)
    return right and refused_or_read and not differ(*both)


def test_python_and_r_read_requests_alike(echoes: list[Path], tmp_path: Path):
    """They may differ in nothing but the words of their errors, and the last digit of a number."""
    requests = [*map(request_of, VECTORS), *mutations(MUTATIONS)]
    found = list(answered(echoes, tmp_path, requests))
    wrong = [one for one in found if not acceptable(*one)]
    assert len(found) == len(requests)
    assert not wrong, report(wrong)


# Programs that look five thousand times whether a port is free.
LOOKING = (
    (
        [".venv/bin/python", "-c"],
        """
import sys
from runtime.serving.program import check_port
for _ in range(5000):
    check_port(int(sys.argv[1]))
""",
    ),
    (
        ["Rscript", "-e"],
        """
source("runtime/load.R")
runtime <- load_runtime("runtime")
port <- as.integer(commandArgs(trailingOnly = TRUE))
for (time in 1:5000) runtime$expect_free_port(port)
""",
    ),
)


def test_to_see_whether_its_port_is_free_a_server_does_not_open_it(echoes: list[Path]):
    """Whoever waits for the server would take that for its start, and lose the request."""
    port = free_port()
    for echo, (command, code) in zip(echoes, LOOKING, strict=True):
        codes = set()
        with subprocess.Popen([*command, code, str(port)], cwd=echo) as looking:
            while looking.poll() is None:
                with socket.socket() as client:
                    codes.add(client.connect_ex(("127.0.0.1", port)))
        assert (looking.returncode, codes) == (0, {errno.ECONNREFUSED}), echo.name


def report(found: list[tuple[Request, Answer, Answer]]) -> str:
    """Return the shortest of what was found, for a person to read."""
    shortest = sorted(found, key=lambda one: len(one[0].body))[:40]
    lines = [
        f"{request.content_type} {request.setting} {request.body[:200]!r}: {request.status}, {python}, {r}"
        for request, python, r in shortest
    ]
    return "\n".join([f"{len(found)} requests, of which the shortest are:", *lines])
