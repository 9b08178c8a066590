"""Batch transform."""

import json

import pytest

from .engines.base import Server
from .exchange import Exchange
from .explain import fail
from .payloads import many

QUICK = 1.0  # seconds
KEYS = {"MaxConcurrentTransforms": int, "BatchStrategy": str, "MaxPayloadInMB": int}
RECORDS = 20


def assembled(answers: list) -> bytes:
    """Return what SageMaker writes with AssembleWith=Line: a newline after each response (B4)."""
    return b"".join(answer.body + b"\n" for answer in answers)


@pytest.fixture
def line_request(sample):
    """A sample request with one record per line and no header: SageMaker takes each line for a record."""
    request = sample.line_request()
    if request is None or request.header:
        pytest.skip("sample.toml has no request with one record per line and no header")
    return request


def expect_answered(answer: Exchange, server: Server, what: str) -> None:
    """Fail unless a request was answered."""
    if not answer.ok:
        fail(
            f"{what} is not answered; the whole input file would fail.",
            sent=f"{server.command}\n{answer.sent}",
            got=f"{answer.got}\n{server.got}",
            advice="Read the log above; try it by hand with the same environment.",
        )


@pytest.mark.clause("B2")
def test_execution_parameters(server):
    """GET /execution-parameters returns its three values, or a quick 4xx."""
    answer = server.request("GET", "/execution-parameters", timeout=10)
    if answer.refused and answer.seconds <= QUICK:
        return
    problem = None
    if not answer.ok:
        problem = "is neither answered nor quickly refused with a 4xx"
    else:
        try:
            values = json.loads(answer.body)
        except ValueError:
            values = None
        if not isinstance(values, dict) or any(not isinstance(values.get(key), kind) for key, kind in KEYS.items()):
            problem = "does not answer with a JSON object of its three values"
        elif values["BatchStrategy"] not in ("MULTI_RECORD", "SINGLE_RECORD"):
            problem = f"has the BatchStrategy {values['BatchStrategy']}"
    if problem:
        fail(
            f"/execution-parameters {problem}.",
            sent=answer.sent,
            got=answer.got,
            advice='Answer with {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}, '
            "or with 404.",
        )


@pytest.mark.clause("B1", "B4")
def test_multi_record(batch_server, line_request):
    """MultiRecord: n lines in two requests are n lines when SageMaker has assembled the answers."""
    body = "".join(f"{line}\n" for line in many(line_request, RECORDS)).encode()
    answers = [batch_server.invoke(line_request, body) for _ in range(2)]
    for answer in answers:
        expect_answered(answer, batch_server, f"A mini-batch of {RECORDS} records")
    lines = assembled(answers).split(b"\n")
    if len(lines) != 2 * RECORDS + 1 or not all(lines[:-1]):
        empty = sum(not line for line in lines[:-1])
        fail(
            f"{2 * RECORDS} records became {len(lines) - 1} lines, {empty} of them empty: with JoinSource the file "
            "fails, without it the lines no longer belong to the records.",
            sent=f"{batch_server.command}\n{answers[0].sent}\n(twice)",
            got=f"{answers[0].got}\n(its last bytes: {answers[0].body[-20:]!r})",
            advice="Answer one line per record. SageMaker adds a newline after each response, so with SAGEMAKER_BATCH "
            "set the last record must not have one.",
        )


@pytest.mark.clause("B4")
def test_single_record(batch_server, line_request):
    """SingleRecord: each record, sent by itself, gets one line."""
    answers = []
    for line in many(line_request, 3):
        answers.append(batch_server.invoke(line_request, line.encode()))
        expect_answered(answers[-1], batch_server, "A single record without a newline at its end")
    lines = assembled(answers).split(b"\n")
    if len(lines) != len(answers) + 1 or not all(lines[:-1]):
        fail(
            f"{len(answers)} records, sent one by one, became {len(lines) - 1} lines.",
            sent=f"{batch_server.command}\n{answers[0].sent}",
            got=f"{answers[0].got}\n(its last bytes: {answers[0].body[-20:]!r})",
            advice="Answer one line per record, and with SAGEMAKER_BATCH set no newline after the last.",
        )


@pytest.mark.clause("B3")
def test_chunked_body(batch_server, good):
    """A request body in HTTP chunks is read (MaxPayloadInMB 0)."""
    plain = batch_server.invoke(good)
    body = good.body
    middle = len(body) // 2
    types = {"Content-Type": good.content_type, "Accept": good.accept}
    chunks = (chunk for chunk in (body[:middle], body[middle:]) if chunk)
    answer = batch_server.request("POST", "/invocations", types, chunks)
    expect_answered(answer, batch_server, "A body in HTTP chunks")
    if answer.body != plain.body:
        fail(
            "A body in HTTP chunks gets another answer than the same body with a Content-Length.",
            sent=answer.sent,
            got=f"{answer.got}\n\ninstead of\n\n{plain.got}",
            advice="Read the body to its end: Content-Length is absent. WSGI: wsgi.input_terminated.",
        )
