"""Compares an answer with the one that is expected."""

import re
from math import isclose

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
# A text in quotes, which stays as it is; or a punctuation mark of JSON or CSV with the spaces beside it.
MARKS = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t]*([][{},:])[ \t]*')


def same_answer(expected: bytes, answer: bytes, tolerance: float) -> bool:
    """Return whether two texts have the same words and their numbers differ by at most `tolerance`.

    White space at their ends is ignored, for test_batch.py checks the newline after the last record. Spaces beside the
    punctuation of JSON and CSV are ignored, except in quotes. Binary answers must be equal byte for byte.
    """
    try:
        wanted, given = (MARKS.sub(r"\1\2", text.decode().strip()) for text in (expected, answer))
    except UnicodeDecodeError:
        return expected == answer
    if NUMBER.split(wanted) != NUMBER.split(given):
        return False
    pairs = zip(NUMBER.findall(wanted), NUMBER.findall(given), strict=True)
    return all(isclose(float(one), float(other), rel_tol=0, abs_tol=tolerance) for one, other in pairs)
