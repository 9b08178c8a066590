"""One HTTP request and its response, kept together so that a failure can show both."""

import http.client
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from .waits import WAITS

SHOWN_BYTES = 400


def shown(body: bytes) -> str:
    """Return the start of a body as text for people."""
    text = body[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return text + (f" ... ({len(body):,} bytes)" if len(body) > SHOWN_BYTES else "")


@dataclass
class Exchange:
    """A request and what came back: a status with headers and body, or `error` in words."""

    method: str
    path: str
    sent_headers: dict[str, str]
    sent_body: bytes
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    seconds: float = 0.0
    error: str = ""
    stuck: str = ""  # where the server's processes stood when no answer came, or too late

    @property
    def ok(self) -> bool:
        """True for a 2xx answer."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """True for a 4xx answer."""
        return self.status is not None and 400 <= self.status < 500

    @property
    def sent(self) -> str:
        """The request in words."""
        headers = "".join(f"\n{name}: {value}" for name, value in self.sent_headers.items())
        body = f"\n\n{shown(self.sent_body)}" if self.sent_body else ""
        return f"{self.method} {self.path}{headers}{body}"

    @property
    def got(self) -> str:
        """The response in words."""
        if self.status is None:
            return "\n".join(filter(None, [f"no answer: {self.error} (after {self.seconds:.2f} s)", self.stuck]))
        headers = "".join(f"\n{name}: {value}" for name, value in self.headers.items())
        body = f"\n\n{shown(self.body)}" if self.body else "\n\n(empty body)"
        reason = http.client.responses.get(self.status, "")
        stuck = f"\n{self.stuck}" if self.stuck else ""
        return f"{self.status} {reason} in {self.seconds:.2f} s{headers}{body}{stuck}"


def exchange(
    address: tuple[str, int],
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes | Iterable[bytes] = b"",
    timeout: float | None = None,
    kept: http.client.HTTPConnection | None = None,
) -> Exchange:
    """Send one request, on a connection of its own unless one is `kept`; an iterable body is sent in HTTP chunks (B3).

    `timeout` is in seconds; None: SageMaker's for an invocation (I13).

    Never raises for what the server does: a refused connection or a time-out is `Exchange.error`.
    """
    timeout = timeout or WAITS.invocation
    chunked = not isinstance(body, bytes)
    chunks = [body] if isinstance(body, bytes) else list(body)
    headers = dict(headers or {}) | ({"Transfer-Encoding": "chunked"} if chunked else {})
    result = Exchange(method, path, headers, b"".join(chunks))
    connection = kept or http.client.HTTPConnection(*address, timeout=timeout)
    started = time.monotonic()
    try:
        try:
            payload = iter(chunks) if chunked else chunks[0] or None
            connection.request(method, path, payload, headers, encode_chunked=chunked)
        except (BrokenPipeError, ConnectionResetError):
            # The server may answer (413, say) and close before it has read the whole body.
            if connection.sock is None:
                raise
        response = connection.getresponse()
        result.status = response.status
        result.headers = {name.lower(): value for name, value in response.getheaders()}
        result.body = response.read()
    except TimeoutError:
        result.error, result.status = f"nothing within {timeout:.0f} s", None
    except (OSError, http.client.HTTPException) as error:
        result.error, result.status = f"{type(error).__name__}: {error}", None
    finally:
        result.seconds = time.monotonic() - started
        if connection is not kept:
            connection.close()
    return result


def listening(address: tuple[str, int]) -> bool:
    """Return whether something accepts connections at `address`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0
