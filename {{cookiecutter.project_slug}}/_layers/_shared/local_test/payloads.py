"""Bodies for /invocations that no sample holds: damaged ones, large ones, many records."""

import re

from .sample import Request

SMALL_LINE = 100  # bytes; shorter sample lines are padded, or 25 MB would be millions of records

# Per content type: (name, body, damaged beyond doubt). What is damaged beyond doubt must be refused with a 4xx;
# other strange bodies may be answered, but never with a 5xx.
JSON_BODIES = (
    ("words", b"not json", True),
    ("cut off", b'{"instances": [[1, 2', True),
    ("nested 100,000 deep", b"[" * 100_000, True),
    ("not UTF-8", b'{"instances": ["\xff\xfe"]}', True),
    ("a number", b"12", False),
    ("null", b"null", False),
    ("the wrong key", b'{"unheard-of": 1}', False),
    ("objects in objects", b'{"instances": [{"a": {"b": {}}}]}', False),
    ("a number too large", b'{"instances": [[1e999]]}', False),
)
LINES_BODIES = (
    ("words", b"not json\n", True),
    ("cut off", b"[1, 2\n", True),
    ("not UTF-8", b'["\xff\xfe"]\n', True),
    ("nested 100,000 deep", b"[" * 100_000, True),
    ("a number and null", b"1\nnull\n", False),
)
GARBAGE = {
    "text/csv": (
        ("words", b"lorem,ipsum,dolor\nsit\n", False),
        ("an open quote", b'"1,2,3\n4,5', False),
        ("rows of many lengths", b"1\n1,2,3,4,5,6,7\n,\n\n1,2\n", False),
        ("not UTF-8", b"\xff\xfe\x00\x80,\xc3\x28\n", False),
        ("NUL bytes", b"\x00" * 64, False),
        ("an endless number", b"9" * 10_000 + b"\n", False),
        ("a row of 100,000 commas", b"," * 100_000, False),
    ),
    "application/json": JSON_BODIES,
    "application/jsonlines": LINES_BODIES,
    "application/x-jsonlines": LINES_BODIES,
    "application/x-npy": (
        ("words", b"not an array", True),
        ("a cut-off header", b"\x93NUMPY\x01\x00v\x00{'descr'", True),
        ("a pickled object", b"\x93NUMPY\x01\x00F\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
         + b" " * 13 + b"\n\x80\x04N.", True),
    ),
}  # fmt: skip


def garbage(content_type: str) -> tuple[tuple[str, bytes, bool], ...]:
    """Return (name, body, must be refused) for a content type; an empty body for every one."""
    return (("an empty body", b"", False), *GARBAGE.get(content_type, ()))


def padded(line: str) -> str:
    """Return a CSV line of at least SMALL_LINE bytes with the same values: zeros after a decimal point."""
    number = re.search(r"(?<![^,])-?\d+(\.\d*)?(?=,|$)", line)
    missing = SMALL_LINE - len(line)
    if missing <= 0 or number is None:
        return line
    point = "" if number[1] else "."
    return line[: number.end()] + point + "0" * missing + line[number.end() :]


def large(request: Request, size: int) -> bytes:
    """Return a body of about `size` bytes that repeats the records of a sample request."""
    lines = [padded(line) if request.content_type == "text/csv" else line for line in request.lines]
    block = "".join(f"{line}\n" for line in lines).encode()
    header = request.body[: request.body.index(b"\n") + 1] if request.header else b""
    return header + block * max(1, size // len(block))


def many(request: Request, count: int) -> list[str]:
    """Return `count` records, those of the sample over and over."""
    lines = request.lines
    return [lines[number % len(lines)] for number in range(count)]
