"""Removes repeated tracebacks from logs. R's train and serve print them in Python's form."""

import re
from collections import Counter

TRACEBACK = re.compile(r"^( *)Traceback \(most recent call last\):\n(?:\1 .*\n)+", re.MULTILINE)


def each_once(text: str) -> str:
    """Return a text that keeps only the last of equal tracebacks, beside the error that it led to."""
    left = Counter(found[0] for found in TRACEBACK.finditer(text))

    def shorter(found: re.Match) -> str:
        left[found[0]] -= 1
        return f"{found[1]}(the traceback is below)\n" if left[found[0]] else found[0]

    return TRACEBACK.sub(shorter, text)


class Shown:
    """The tracebacks that were shown so far, each with the name of the check that showed it."""

    def __init__(self) -> None:
        self._checks: dict[str, str] = {}

    def without(self, text: str, check: str) -> str:
        """Return the text of a check without the tracebacks that another check has shown."""

        def shorter(found: re.Match) -> str:
            first = self._checks.setdefault(found[0], check)
            return found[0] if first == check else f"{found[1]}(the traceback is above, at {first})\n"

        return TRACEBACK.sub(shorter, text)
