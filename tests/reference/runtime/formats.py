"""The formats of requests and answers: numbers x in, numbers y out."""

import json
import math
import os
import struct
from collections.abc import Callable
from fnmatch import fnmatch


class Refused(Exception):
    """A request that is not answered, with the status that says so (I15)."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


def read_csv(body: bytes) -> list[float]:
    """Read one number a line."""
    return [float(line) for line in lines_of(body)]


def read_lines(body: bytes) -> list[float]:
    """Read JSON Lines: [x] on each."""
    return [float(json.loads(line)[0]) for line in lines_of(body)]


def read_json(body: bytes) -> list[float]:
    """Read {"instances": [[x], …]}."""
    return [float(row[0]) for row in json.loads(body)["instances"]]


def read_doubles(body: bytes) -> list[float]:
    """Read numbers of 8 bytes each, the lowest byte first."""
    return list(struct.unpack(f"<{len(body) // 8}d", body))


def lines_of(body: bytes) -> list[str]:
    """Return the lines of a body; the last one need not end with a line break."""
    return body.decode("utf-8").removesuffix("\n").split("\n")


def write_csv(values: list[float]) -> bytes:
    """Write one number a line."""
    return joined([repr(value) for value in values])


def write_lines(values: list[float]) -> bytes:
    """Write JSON Lines: [y] on each."""
    return joined([json.dumps([value]) for value in values])


def write_json(values: list[float]) -> bytes:
    """Write {"predictions": [y, …]}."""
    return json.dumps({"predictions": values}).encode()


def write_doubles(values: list[float]) -> bytes:
    """Write numbers of 8 bytes each."""
    return struct.pack(f"<{len(values)}d", *values)


def joined(lines: list[str]) -> bytes:
    """Return lines as a body. In batch transform SageMaker itself adds the last line break (B4)."""
    return ("\n".join(lines) + ("" if "SAGEMAKER_BATCH" in os.environ else "\n")).encode()


READERS: dict[str, Callable[[bytes], list[float]]] = {
    "text/csv": read_csv,
    "application/json": read_json,
    "application/jsonlines": read_lines,
    "application/octet-stream": read_doubles,
}
WRITERS: dict[str, Callable[[list[float]], bytes]] = {
    "text/csv": write_csv,
    "application/json": write_json,
    "application/jsonlines": write_lines,
    "application/octet-stream": write_doubles,
}


def media_type(header: str) -> str:
    """Return a Content-Type, or one of Accept, without its parameters."""
    return header.partition(";")[0].strip().lower()


def read(content_type: str, body: bytes) -> list[float]:
    """Return the numbers in a body. Raises Refused for an unknown format, and for what is not of its format."""
    reader = READERS.get(media_type(content_type))
    if reader is None:
        raise Refused(415, f"{content_type} is not one of {', '.join(READERS)}")
    try:
        return parsed(reader, body)
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, struct.error) as error:
        raise Refused(400, f"the body is not what {content_type} should be: {error}") from None


def parsed(reader: Callable[[bytes], list[float]], body: bytes) -> list[float]:
    """Return the numbers in a body, at least one. Raises what its reader raises, and ValueError."""
    values = reader(body)
    if not values or not all(map(math.isfinite, values)):
        raise ValueError("there must be at least one number, and each must be finite")
    return values


def answer_type(accept: str, content_type: str) -> str:
    """Return the first format that the client accepts, that of its request before others. Raises Refused."""
    for wanted in accept.split(","):
        for offered in (media_type(content_type), *WRITERS):
            if offered in WRITERS and fnmatch(offered, media_type(wanted)):
                return offered
    raise Refused(406, f"{accept} has none of {', '.join(WRITERS)}")
