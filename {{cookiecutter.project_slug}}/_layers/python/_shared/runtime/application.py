"""The HTTP side of serving: /invocations and /execution-parameters (contract I12, B2); /ping is in serving.py."""

import sys
import traceback
import uuid
from functools import lru_cache
from typing import Any

from flask import Flask, Response, json, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    NotAcceptable,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)
from werkzeug.http import parse_accept_header, parse_options_header

from runtime.content import JSON, MEDIA_TYPES
from runtime.errors import FormatError
from runtime.handlers import Handlers
from runtime.settings import MEGABYTE, Settings

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"
KNOWN = ", ".join(sorted(set(MEDIA_TYPES.values())))


def create_app(model: Any, handlers: Handlers, settings: Settings) -> Flask:
    """Make the WSGI application that answers for `model`, which is loaded already.

    Statuses: 200; 400 for a body that cannot be read or that the algorithm refuses with a ValueError; 406, 413,
    415; 500 with a request id for any other exception, whose traceback goes to the log and never to the client.
    """
    app = Flask(__name__)
    # One byte more than is allowed, since a chunked body is cut at this length without a word.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_payload + 1

    @app.get("/execution-parameters")
    def execution_parameters() -> Response:
        return Response(json.dumps(settings.execution_parameters), content_type=JSON)

    @app.post("/invocations")
    def invocations() -> Response:
        content_type = request_type(request.content_type, any_type=handlers.own_input)
        accept = response_type(request.headers.get("Accept"), content_type, any_type=handlers.own_output)
        body = request.get_data(cache=False)
        if not body:
            raise BadRequest("the body is empty: expected at least one row")
        if len(body) > settings.max_payload:
            raise RequestEntityTooLarge
        try:
            features = handlers.input_fn(body, content_type)
            predictions = handlers.predict_fn(features, model)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        try:
            answer = handlers.output_fn(predictions, accept)
        except FormatError as error:
            raise NotAcceptable(str(error)) from error
        data, accept = answer if isinstance(answer, tuple) else (answer, accept)
        response = Response(data, content_type=accept)
        if attributes := request.headers.get(CUSTOM_ATTRIBUTES):
            response.headers[CUSTOM_ATTRIBUTES] = attributes
        return response

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        message = error.description or error.name
        if error.code == 413:
            message = f"the body is larger than {settings.max_payload // MEGABYTE} MB, the limit of this container"
        print(f"{request.method} {request.path} {error.code}: {message}", file=sys.stderr, flush=True)
        return Response(json.dumps({"error": message}) + "\n", status=error.code, content_type=JSON)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        request_id = request.headers.get(INFERENCE_ID) or uuid.uuid4().hex
        print(
            f"request {request_id} failed:\n{''.join(traceback.format_exception(error))}",
            file=sys.stderr,
            flush=True,
        )
        message = f"the algorithm failed; the container's log has the reason under request id {request_id}"
        return Response(json.dumps({"error": message, "request_id": request_id}) + "\n", status=500, content_type=JSON)

    return app


@lru_cache(maxsize=256)
def request_type(header: str | None, *, any_type: bool) -> str:
    """The media type of the request, with its charset if it names one; JSON where the header is missing.

    Raises UnsupportedMediaType (415). With `any_type` the algorithm's own input_fn judges.
    """
    media_type, options = parse_options_header(header or JSON)
    charset = f"; charset={options['charset']}" if "charset" in options else ""
    if any_type:
        return media_type.lower() + charset
    if media_type.lower() not in MEDIA_TYPES:
        raise UnsupportedMediaType(f"Content-Type '{header}' is not supported: send one of {KNOWN}")
    return MEDIA_TYPES[media_type.lower()] + charset


@lru_cache(maxsize=256)
def response_type(header: str | None, content_type: str, *, any_type: bool) -> str:
    """The media type to answer in: the best that Accept names, and the request's own where it leaves that open.

    Raises NotAcceptable (406). With `any_type` the algorithm's own output_fn judges.
    """
    own = content_type.partition(";")[0]
    if not header:
        return own
    offered = [own] if own in MEDIA_TYPES else [JSON]
    best = parse_accept_header(header, MIMEAccept).best_match(offered + [t for t in MEDIA_TYPES if t != own])
    if best:
        return MEDIA_TYPES[best]
    if any_type:
        return header.partition(",")[0].partition(";")[0].strip()
    raise NotAcceptable(f"Accept '{header}' cannot be met: ask for one of {KNOWN}, or */*")
