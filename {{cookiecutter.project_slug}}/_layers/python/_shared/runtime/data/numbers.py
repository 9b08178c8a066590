"""Numbers as texts, and texts as numbers (rules 4 and 5 of grammar.md)."""

import math
import re
from typing import Any

from runtime import framework
from runtime.errors import InputError

FORM = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
# No number beyond this is finite in the type that the framework computes in: float32 or float64.
LARGEST = 3.4028234663852886e38 if framework.SINGLE_PRECISION else 1.7976931348623157e308
TOO_LARGE = "is too large for float32, which this framework computes in"


def number(value: Any) -> float:
    """Return the finite number that a cell, or a value of JSON, stands for. Raises InputError."""
    if isinstance(value, list | dict):
        raise InputError(f"expected one value, not {shown(value)}")
    if value is None or (isinstance(value, str) and not FORM.fullmatch(value)):
        raise InputError(f"{shown(value)} is not a number")
    try:
        found = float(value)
    except OverflowError:  # an integer of JSON may have any number of digits
        found = math.inf
    if abs(found) <= LARGEST:
        return found
    raise InputError(f"{shown(value)} {TOO_LARGE if math.isfinite(found) else 'is not a finite number'}")


def text(value: Any) -> str:
    """Return the text that a cell, or a value of JSON, stands for. Raises InputError."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list | dict):
        raise InputError(f"expected one value, not {shown(value)}")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) > 2**53:  # a float would not hold it
        return str(value)
    if abs(value) < 1e15 and value == int(value):
        return str(int(value))
    return next(written for digits in (15, 16, 17) if float(written := f"{value:.{digits}g}") == value)


def shown(value: Any) -> str:
    """Return a value as it stands in messages, cut where it is long."""
    written = repr(str(value)) if isinstance(value, str) else repr(value)
    return written if len(written) <= 60 else f"{written[:57]}..."
