"""Failure messages with one shape: what is wrong, what was sent, what came back, what to do."""

import re
from math import isclose
from textwrap import indent
from typing import NoReturn

import pytest

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def fail(what: str, *, sent: str, got: str, advice: str) -> NoReturn:
    """Fail the running check with a message for people; no traceback."""
    parts = (("sent", sent), ("got", got), ("do", advice))
    pytest.fail("\n".join([what, *(f"{name}:\n{indent(text, '    ')}" for name, text in parts)]), pytrace=False)


def same_answer(expected: bytes, answer: bytes, tolerance: float) -> bool:
    """True if two texts have the same words and their numbers differ by at most `tolerance`.

    White space at their ends does not count: whether a newline follows the last record is batch transform's business.
    What is no text must be the same to the byte.
    """
    try:
        expected, answer = expected.decode().strip(), answer.decode().strip()
    except UnicodeDecodeError:
        return expected == answer
    if NUMBER.split(expected) != NUMBER.split(answer):
        return False
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(answer), strict=True)
    return all(isclose(float(one), float(other), rel_tol=0, abs_tol=tolerance) for one, other in pairs)
