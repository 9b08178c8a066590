"""A worker: a process that answers one request at a time."""

import select
import signal
import socket
from collections.abc import Iterable, Iterator
from dataclasses import replace

from flask import Flask, Response
from werkzeug.test import EnvironBuilder

from runtime.serving.answer import INFERENCE_ID, Answer, Answers, failure
from runtime.serving.application import create_app
from runtime.serving.http import Request, read_request, write_answer
from runtime.serving.slot import Slot


class TimeIsUp(BaseException):
    """The time limit of a prediction has passed. It is not an Exception, which the algorithm might catch."""


class Worker:
    """Answers the requests that come to `listener`, the socket that all workers share.

    It accepts a connection only when idle, and runs Python in one thread. So neither the model nor the algorithm's
    functions need to be thread-safe, and requests do not slow each other down: with more threads the slowest answers
    take twice as long.
    """

    def __init__(self, answers: Answers, listener: socket.socket, slot: Slot) -> None:
        self.answers, self.listener, self.slot = answers, listener, slot
        self.app = create_app(answers)
        self.limit = answers.settings.timeout
        self.poll = poll(listener)
        signal.signal(signal.SIGALRM, _time_is_up)

    def work(self) -> None:
        """Answer requests until one exceeds the limit, which may leave the process in an unknown state."""
        in_time = True
        while in_time:
            self.slot.idle()
            try:
                connection, _ = self.listener.accept()
            except BlockingIOError:  # there is no connection, or another worker was quicker
                self.poll.poll()
                continue
            with connection:
                in_time = self._serve(connection)

    def _serve(self, connection: socket.socket) -> bool:
        """Answer the request on a connection; return whether that took no longer than the limit."""
        try:
            request = read_request(connection)
        except ConnectionError:
            request = None
        return request is None or self._answer_in_time(connection, request)  # else the client has gone away

    def _answer_in_time(self, connection: socket.socket, request: Request) -> bool:
        answer = None
        try:
            self._start_clock(request)
            answer = self._answer(request)
            write_answer(connection, answer)
        except TimeIsUp:
            refusal = self.answers.overdue(request.headers)
            if answer is None:  # else a part of it may be sent already
                write_answer(connection, refusal)
            return False
        except ConnectionError:
            pass  # the client has gone
        except Exception as error:
            failure(error, request.headers)  # while chunks are sent: the missing last chunk tells the client
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return True

    def _answer(self, request: Request) -> Answer:
        """Answer with Flask, except predictions: Flask takes as long as a small model."""
        if (request.method, request.target) != ("POST", "/invocations"):
            return through(self.app, request)
        headers = request.headers
        answer = self.answers.invoke(headers.get("content-type"), headers.get("accept"), headers, request.body)
        if isinstance(answer.body, bytes):
            return answer
        return replace(answer, body=self._timed(request, answer.body))

    def _timed(self, request: Request, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Restart the clock after each chunk of an answer."""
        for chunk in chunks:
            yield chunk
            self._start_clock(request)

    def _start_clock(self, request: Request) -> None:
        self.slot.busy(request.headers.get(INFERENCE_ID, ""))
        signal.setitimer(signal.ITIMER_REAL, self.limit)


def poll(listener: socket.socket) -> "select.epoll | select.poll":
    """Return the object that waits for connections.

    With epoll Linux wakes one idle worker for each connection, the same one if it can, whose caches are warm. Workers
    that wait in accept() would be woken in turn; with a scikit-learn pipeline every request took a fifth longer.
    """
    if hasattr(select, "epoll"):
        exclusive = select.epoll()
        exclusive.register(listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        return exclusive
    every = select.poll()  # macOS
    every.register(listener, select.POLLIN)
    return every


def through(app: Flask, request: Request) -> Answer:
    """Let Flask answer."""
    environ = EnvironBuilder(request.target, method=request.method, headers=request.headers.items(), data=request.body)
    response = Response.from_app(app, environ.get_environ())
    kept = {name: value for name, value in response.headers.items() if name not in ("Content-Type", "Content-Length")}
    return Answer(response.status_code, response.content_type, response.get_data(), kept)


def _time_is_up(signum: int, frame: object) -> None:
    raise TimeIsUp
