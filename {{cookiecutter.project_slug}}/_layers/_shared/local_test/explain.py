"""Failure messages with one shape: what is wrong, what was sent, what came back, what to do."""

from textwrap import indent
from typing import NoReturn

import pytest

# Why a check skips an image that was not made from this template.
BEYOND = "SageMaker does not require it; only images of this template promise it (label sm-algo.promises)"


def fail(what: str, *, sent: str, got: str, advice: str) -> NoReturn:
    """Fail the running check with a message for people; no traceback."""
    parts = (("sent", sent), ("got", got), ("do", advice))
    pytest.fail("\n".join([what, *(f"{name}:\n{indent(text, '    ')}" for name, text in parts)]), pytrace=False)
