"""The requests that nginx passes to a worker, and the answers: HTTP, with a connection for each request.

nginx reads and checks the whole request before it makes the connection, and writes it in one form. So this module need
not deal with the other forms of HTTP, or with malformed requests.
"""

import socket
from dataclasses import dataclass
from http.client import responses

from runtime.serving.answer import Answer

PART = 65536  # bytes


@dataclass(frozen=True)
class Request:
    """A request; the names of `headers` are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def read_request(connection: socket.socket) -> Request | None:
    """Read a request; return None if the client has gone meanwhile."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        part = connection.recv(PART)
        if not part:
            return None
        data += part
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    parts = [data[end + 4 :]]
    missing = int(headers.get("content-length", 0)) - len(parts[0])
    while missing:
        part = connection.recv(missing, socket.MSG_WAITALL)
        if not part:
            return None
        parts.append(part)
        missing -= len(part)
    return None if gone(connection) else Request(method, target, headers, b"".join(parts))


def gone(connection: socket.socket) -> bool:
    """Return whether the client has gone: nginx closes the connection then."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


def head(answer: Answer, framing: str) -> bytes:
    """Return status line and headers of an answer, with the empty line after them."""
    lines = [
        f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}",
        f"Content-Type: {answer.content_type}",
        framing,
    ]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def write_answer(connection: socket.socket, answer: Answer) -> None:
    """Write an answer; if its body comes in chunks, nginx passes each of them on at once (I16)."""
    if isinstance(answer.body, bytes):
        connection.sendall(head(answer, f"Content-Length: {len(answer.body)}") + answer.body)
        return
    connection.sendall(head(answer, "Transfer-Encoding: chunked\r\nX-Accel-Buffering: no"))
    for chunk in answer.body:
        if chunk:  # an empty one would be the end
            connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    connection.sendall(b"0\r\n\r\n")
