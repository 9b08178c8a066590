"""The failure file: why a training job failed (contract T32, T33)."""

import sys
import traceback
from pathlib import Path

from runtime.errors import InputError, UserError

LIMIT = 1024  # characters of the file that SageMaker shows as FailureReason (T32)


def reason(error: BaseException) -> str:
    """Return in at most 1024 characters why the job failed.

    Class and message come first. An error that is made for the user needs no more; for any other error the end of the
    traceback follows, where the cause is.
    """
    headline = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, UserError | InputError):
        return headline[:LIMIT]
    headline = headline[: LIMIT // 2] + "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    trace = "".join(traceback.format_exception(error))
    room = LIMIT - len(headline) - 2
    return f"{headline}\n\n{trace[-room:]}"


def write(path: Path, error: BaseException) -> None:
    """Write the failure file; if that is impossible (a full disk), say so on standard error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(reason(error), encoding="utf-8", errors="replace")
    except OSError as problem:
        print(f"could not write {path}: {problem}", file=sys.stderr, flush=True)
