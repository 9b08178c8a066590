"""Requests to /invocations, good and bad."""

import pytest

from . import plot
from .answers import same_answer
from .contract import MEGABYTE, PAYLOAD
from .engines.base import Engine
from .exchange import Exchange, shown
from .explain import BEYOND, fail
from .payloads import garbage, large
from .sample import Request
from .waits import WAITS

SIZES = (6 * MEGABYTE, PAYLOAD)
UNKNOWN_TYPE = "application/x-local-test"
CUSTOM_HEADERS = {
    "X_Amzn_SageMaker_Custom_Attributes": "trace_id=local-test",
    "X_Amzn_SageMaker_Inference_Id": "local-test",
    "X_Local_Test_Unknown": "1",
}


def media_type(content_type: str) -> str:
    """Return a Content-Type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


@pytest.mark.clause("I12", "I13")
def test_sample_requests(first_start, sample, figure):
    """Each sample request is answered within 60 s with a 2xx, a Content-Type, and the expected body."""
    if first_start.startup.healthy_after is None:
        pytest.skip("because the server never became healthy (I8)")
    server = first_start.startup.server
    slowest = 0.0
    for request in sample.requests:
        answer = server.invoke(request)
        slowest = max(slowest, answer.seconds)
        advice = "Read the log above; the requests are in sample/sample.toml."
        if not answer.ok:
            what = f"A sample request is not answered: {server.reason(answer)}"
        elif answer.seconds > WAITS.stalled and server.invoke(request).seconds < answer.seconds / 10:
            what = f"A sample request took {answer.seconds:.1f} s, and when repeated less than a tenth of that."
            advice = "Something else than its own work delayed it: a lock, a time-out, a worker that was not ready."
            answer.stuck = server.stuck()
        elif not answer.headers.get("content-type"):
            what, advice = "The answer has no Content-Type.", "Set the Content-Type header of the response."
        elif request.accept != "*/*" and media_type(answer.headers["content-type"]) != media_type(request.accept):
            what, advice = (
                f"The answer is {answer.headers['content-type']}, but {request.accept} was asked for.",
                "Answer in the format that Accept names, or with 406 if you cannot.",
            )
        elif request.answer is not None and not same_answer(request.answer, answer.body, request.tolerance):
            expected = shown(request.answer)
            what = f"The answer is not what sample.toml expects: {expected!r} (tolerance {request.tolerance})."
            advice = "If the algorithm was changed on purpose, correct `answer` in sample/sample.toml."
        else:
            continue
        fail(what, sent=answer.sent, got=f"{answer.got}\n{server.got}", advice=advice)
    figure("slowest sample request", f"{slowest * 1000:.0f} ms")


@pytest.mark.clause("I12")
def test_predictions_along_x(server, sample, draw):
    """The predictions along x, drawn in the report: one number for each row."""
    columns = sample.plot
    points = plot.read_points(sample.folder / columns.channel, columns)
    rows = plot.places(points)
    request = Request("text/csv", "".join(f"{x!r}\n" for x in rows).encode(), accept="text/csv")
    answer = server.invoke(request)
    lines = answer.body.decode("utf-8", "replace").splitlines()
    predictions = [value for line in lines if (value := plot.number(line)) is not None]
    if not answer.ok or not len(predictions) == len(lines) == len(rows):
        fail(
            f"{len(rows)} rows of one number each, from [plot] in sample.toml, do not get one number each.",
            sent=answer.sent,
            got=f"{answer.got}\n{server.got}",
            advice="Answer text/csv with one line for each row. [plot] is for algorithms with one feature: remove it "
            "from sample/sample.toml if yours has more.",
        )
    draw(plot.drawing(points, list(zip(rows, predictions, strict=True)), columns))


@pytest.mark.clause("I22")
def test_same_request_same_answer(server, sample):
    """The same request gets the same answer again."""
    for request in sample.requests:
        one, other = server.invoke(request), server.invoke(request)
        if not one.ok:
            continue  # I12, sample requests
        if not same_answer(one.body, other.body, request.tolerance):
            fail(
                "The same request got two different answers.",
                sent=one.sent,
                got=f"{one.got}\n\nand then\n\n{other.got}",
                advice="Let a request leave no state behind, and seed what is random. SageMaker repeats requests.",
            )


@pytest.mark.clause("I12", "I14")
def test_unknown_headers(server, good):
    """Headers that the server does not know do no harm."""
    decorated = server.invoke(good, **CUSTOM_HEADERS)
    if not decorated.ok:
        fail(
            "A request is answered as it is, but not with SageMaker's further headers.",
            sent=decorated.sent,
            got=f"{decorated.got}\n{server.got}",
            advice="Ignore headers you do not know.",
        )


@pytest.mark.clause("I12")
def test_content_type_with_parameters(server, sample):
    """A Content-Type may have parameters: text/csv; charset=utf-8."""
    for request in sample.requests:
        plain = server.invoke(request)
        decorated = server.invoke(request, Content_Type=f"{request.content_type}; charset=utf-8")
        if plain.ok and not decorated.ok:
            fail(
                f"{request.content_type} is answered, {request.content_type}; charset=utf-8 is not.",
                sent=decorated.sent,
                got=decorated.got,
                advice="Compare the part before the first semicolon only: many clients add a charset.",
            )


@pytest.mark.clause("I15")
def test_garbage(server, sample, good):
    """Garbage is refused with a 4xx, never a 5xx, and the next good request is answered."""
    for request in {request.content_type: request for request in sample.requests}.values():
        for name, body, must_be_refused in garbage(request.content_type):
            answer = server.invoke(request, body)
            if answer.status is None or answer.status >= 500 or (must_be_refused and not answer.refused):
                fail(
                    f"A damaged body ({name}) of type {request.content_type} "
                    + ("is accepted." if answer.ok else "causes an error of the server."),
                    sent=answer.sent,
                    got=f"{answer.got}\n{server.got}",
                    advice="Catch what parsing raises, and answer with 400 and the reason: a 5xx counts as a fault of "
                    "the endpoint and sets off its alarms.",
                )
            after = server.invoke(good)
            if not after.ok:
                fail(
                    f"After a damaged body ({name}) the server does not answer a good request.",
                    sent=f"{answer.sent}\n\nand then\n\n{after.sent}",
                    got=f"{answer.got}\n\nand then\n\n{after.got}\n{server.got}",
                    advice="Let a request that fails leave no state behind, and let no exception end the worker.",
                )


def leave_to_others(engine: Engine, answer: Exchange, promised: int) -> None:
    """Skip for an image that has not promised this status, unless the server failed."""
    if not engine.promises and (answer.ok or answer.refused):
        pytest.skip(f"{answer.status} instead of {promised}: {BEYOND}")


@pytest.mark.clause("I12", "I15")
def test_unsupported_content_type(engine, server, good):
    """A Content-Type that is not supported is refused with 415."""
    answer = server.invoke(good, Content_Type=UNKNOWN_TYPE)
    if answer.status != 415:
        leave_to_others(engine, answer, 415)
        fail(
            f"A body of type {UNKNOWN_TYPE} is not refused with 415 Unsupported Media Type.",
            sent=answer.sent,
            got=answer.got,
            advice="Answer 415 and name the types you support. In a project of this template "
            "SUPPORTED_CONTENT_TYPES in algorithm.py does it (R: supported_content_types).",
        )


@pytest.mark.clause("I12", "I15")
def test_unsupported_accept(engine, server, good):
    """An Accept that cannot be met is refused with 406."""
    answer = server.invoke(good, Accept=UNKNOWN_TYPE)
    if answer.status != 406:
        leave_to_others(engine, answer, 406)
        fail(
            f"A request that accepts only {UNKNOWN_TYPE} is not refused with 406 Not Acceptable.",
            sent=answer.sent,
            got=answer.got,
            advice="Answer 406 and name the types you can answer in. In a project of this template "
            "SUPPORTED_RESPONSE_MIME_TYPES in algorithm.py does it (R: supported_response_mime_types).",
        )


@pytest.mark.clause("I13", "B3")
def test_large_bodies(server, sample, figure):
    """Bodies of 6 MB and 25 MB are answered."""
    request = sample.line_request()
    if request is None:
        pytest.skip("sample.toml has no request with one record per line, which could be repeated")
    for size in SIZES:
        body = large(request, size)
        answer = server.invoke(request, body)
        name = f"{size // MEGABYTE} MB of {request.content_type}"
        if not answer.ok:
            advice = {
                413: "Raise the limit of the body size, of a proxy too (nginx: client_max_body_size).",
                None: f"SageMaker waits {WAITS.invocation:.0f} s; look for a time-out or a memory limit.",
            }
            fail(
                f"{name} are not answered, though SageMaker passes on bodies of that size.",
                sent=answer.sent,
                got=f"{answer.got}\n{server.got}",
                advice=advice.get(answer.status, "Read the log above."),
            )
        figure(f"answering {name}", f"{answer.seconds:.2f} s")
