"""The HTTP side of serving, in Flask: /invocations and /execution-parameters. nginx answers /ping (see nginx.conf)."""

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from runtime.serving.answer import Answer, Answers


def create_app(answers: Answers) -> Flask:
    """Make the WSGI application that passes requests to `answers`."""
    app = Flask(__name__)
    # One byte more than is allowed, since a chunked body is cut silently at this length.
    app.config["MAX_CONTENT_LENGTH"] = answers.settings.max_payload + 1

    @app.get("/execution-parameters")
    def execution_parameters() -> Response:
        return response(answers.execution_parameters())

    @app.post("/invocations")
    def invocations() -> Response:
        body = request.get_data(cache=False)
        return response(answers.invoke(request.content_type, request.headers.get("Accept"), lower(request), body))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return response(answers.refusal(error, f"{request.method} {request.path}", lower(request)))

    return app


def lower(request: Request) -> dict[str, str]:
    """Return the headers of a request, their names in lower case."""
    return {name.lower(): value for name, value in request.headers.items()}


def response(answer: Answer) -> Response:
    """Return an answer as Flask's response."""
    return Response(answer.body, answer.status, answer.headers, content_type=answer.content_type)
