"""The answer to a request for predictions, a function of the request alone and not of the transport (I12)."""

import re
import sys
import traceback
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from json import dumps
from typing import Any

from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    NotAcceptable,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)
from werkzeug.http import parse_options_header

from runtime.data.content import JSON, MEDIA_TYPES
from runtime.errors import FormatError, InputError
from runtime.serving.handlers import Handlers
from runtime.serving.settings import MEGABYTE, Settings

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
INFERENCE_ID = "x-amzn-sagemaker-inference-id"  # nginx adds one to each request that has none
QUALITY = re.compile(r"[01](\.[0-9]*)?|\.[0-9]+")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `body` is its bytes, or the chunks that they come in."""

    status: int
    content_type: str
    body: bytes | Iterable[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


class Answers:
    """Answers requests for the predictions of `model`, which is loaded already."""

    def __init__(self, model: Any, handlers: Handlers, settings: Settings) -> None:
        self.model, self.handlers, self.settings = model, handlers, settings

    def invoke(self, content_type: str | None, accept: str | None, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer POST /invocations; the names of `headers` are in lower case.

        Statuses: 200; 400 for a body that cannot be read (a ValueError of input_fn) or that the algorithm refuses with
        an InputError; 406, 413, 415; that of a werkzeug exception which the algorithm raises; 500 with a request id for
        any other exception. Tracebacks go to the log and never to the client; a refusal is one line there.
        """
        try:
            require_identity(headers)
            answer = self._predictions(content_type, accept, body)
        except HTTPException as error:
            answer = self.refusal(error, "POST /invocations", headers)
        except Exception as error:
            answer = failure(error, headers)
        attributes = headers.get(CUSTOM_ATTRIBUTES.lower())
        return replace(answer, headers={**answer.headers, CUSTOM_ATTRIBUTES: attributes}) if attributes else answer

    def _predictions(self, content_type: str | None, accept: str | None, body: bytes) -> Answer:
        sent, charset = request_type(content_type, self.handlers.content_types)
        wanted = response_type(accept, sent, self.handlers.response_types)
        if not body:
            raise BadRequest("the body is empty: expected at least one row")
        if len(body) > self.settings.max_payload:
            raise RequestEntityTooLarge
        try:
            features = self.handlers.input_fn(body, sent, charset)
        except RecursionError as error:
            raise BadRequest("the body is nested too deeply") from error
        except ValueError as error:
            raise BadRequest(str(error)) from error
        try:
            predictions = self.handlers.predict_fn(features, self.model)
        except InputError as error:
            raise BadRequest(str(error)) from error
        try:
            written = self.handlers.output_fn(predictions, wanted)
        except FormatError as error:
            raise NotAcceptable(str(error)) from error
        data, wanted = written if isinstance(written, tuple) else (written, wanted)
        return Answer(200, wanted, encoded(data))

    def execution_parameters(self) -> Answer:
        """Answer GET /execution-parameters (B2)."""
        return Answer(200, JSON, dumps(self.settings.execution_parameters).encode())

    def refusal(self, error: HTTPException, what: str, headers: Mapping[str, str]) -> Answer:
        """Tell the client and the log what is wrong with a request, such as "POST /invocations"."""
        status = error.code or 500  # an HTTPException that the algorithm raises may have none
        message = error.description or error.name
        if status == 413:
            message = f"the body is larger than {self.settings.max_payload // MEGABYTE} MB, the limit of this container"
        cause = error.__cause__
        trace = "" if cause is None or isinstance(cause, InputError | FormatError) else f"\n{traceback_of(cause)}"
        log(headers, f"{what} {status}: {message}{trace}")
        # The headers that belong to the status: Allow, Retry-After.
        more = {name: value for name, value in error.get_headers() if name != "Content-Type"}
        return Answer(status, JSON, sentence(error=message), more)

    def overdue(self, headers: Mapping[str, str]) -> Answer:
        """Tell the client and the log that the prediction took longer than the limit."""
        seconds = f"{self.settings.timeout} s, the limit (SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS)"
        limit = f"the prediction took longer than {seconds}"
        log(headers, f"POST /invocations 504: {limit}; it was here:\n{traceback.format_exc()}")
        return Answer(504, JSON, sentence(error=limit))


def failure(error: Exception, headers: Mapping[str, str]) -> Answer:
    """Tell the client that the algorithm failed, and the log why, with the same request id."""
    request_id = log(headers, f"POST /invocations 500:\n{traceback_of(error)}")
    message = f"the algorithm failed; the container's log has the reason under request id {request_id}"
    return Answer(500, JSON, sentence(error=message, request_id=request_id))


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an exception, as Python prints it."""
    return "".join(traceback.format_exception(error)).rstrip()


def log(headers: Mapping[str, str], text: str) -> str:
    """Log what happened to a request; return its id in the log."""
    request_id = headers.get(INFERENCE_ID) or uuid.uuid4().hex
    print(f"request {request_id}: {text}", file=sys.stderr, flush=True)
    return request_id


def sentence(**fields: str) -> bytes:
    """Return the body of an answer that is no prediction: a JSON object on a line."""
    return dumps(fields).encode() + b"\n"


def encoded(data: str | bytes | bytearray | memoryview | Iterable[str | bytes]) -> bytes | Iterator[bytes]:
    """Return what output_fn gave, or each chunk of it, as bytes."""
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    return (chunk.encode() if isinstance(chunk, str) else bytes(chunk) for chunk in data)


def require_identity(headers: Mapping[str, str]) -> None:
    """Raise UnsupportedMediaType (415) for a body that is compressed."""
    encoding = headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType(f"Content-Encoding '{encoding}' is not understood: send the body as it is")


@lru_cache(maxsize=256)
def request_type(header: str | None, taken: tuple[str, ...] | None) -> tuple[str, str]:
    """Return the media type of the request (JSON without the header) and the charset of a text (UTF-8 by default).

    Raises UnsupportedMediaType (415) for a type that is not `taken`; with None all are.
    """
    media_type, options = parse_options_header(header or JSON)
    media_type = media_type.lower()
    if taken is not None and media_type not in taken:
        raise UnsupportedMediaType(f"Content-Type '{header}' is not supported: send one of {listed(taken)}")
    return media_type, options.get("charset", "utf-8")


@lru_cache(maxsize=256)
def response_type(header: str | None, content_type: str, given: tuple[str, ...] | None) -> str:
    """Return the media type to answer in: the best that Accept names, and the request's own where it leaves that open.

    The highest q wins, then the most specific range, then the request's own type, then the order of the header.
    Parameters other than q are ignored. Raises NotAcceptable (406) where none of the types that are `given` will
    do; with None the algorithm's own output_fn judges.
    """
    types = tuple(MEDIA_TYPES) if given is None else given
    first = next(one for one in (content_type, JSON, types[0]) if one in types)
    if not header:
        return usual(content_type if given is None else first)
    ranges = accepted_ranges(header)
    best, most = None, (0.0, 0, 0)
    for offered in (first, *(name for name in types if name != first)):
        for specificity, name in ((2, offered), (1, offered.partition("/")[0] + "/*"), (0, "*/*")):
            if name in ranges:
                quality, place = ranges[name]
                # Types that match by the same range have the same place, so that the first that is offered wins.
                rank = (quality, specificity, 1 if offered == first else -place)
                if quality > 0 and (best is None or rank > most):
                    best, most = offered, rank
                break
    if best:
        return usual(best)
    if given is None:
        return header.partition(",")[0].partition(";")[0].strip()
    raise NotAcceptable(f"Accept '{header}' cannot be met: ask for one of {listed(given)}, or */*")


def usual(media_type: str) -> str:
    """Return the name that a media type is answered with."""
    return MEDIA_TYPES.get(media_type, media_type)


def listed(types: Sequence[str]) -> str:
    """Return media types as they stand in messages, each by one name."""
    return ", ".join(sorted(set(map(usual, types))))


def accepted_ranges(header: str) -> dict[str, tuple[float, int]]:
    """Return the media ranges of an Accept header, each with its q from 0 to 1 and its place."""
    ranges: dict[str, tuple[float, int]] = {}
    for place, part in enumerate(header.split(",")):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                quality = float(value) if QUALITY.fullmatch(value.strip()) else 0.0
        if name:
            ranges.setdefault(name.lower(), (quality, place))
    return ranges
