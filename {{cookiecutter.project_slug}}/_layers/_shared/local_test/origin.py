"""Where a project comes from: the template's version, and the commit from which cruft made or last updated it."""

import json
import re
import tomllib
from pathlib import Path

from .errors import SetupError

SETTINGS = "pyproject.toml"
STATE = ".cruft.json"  # cruft's own
COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
SHOWN = 12  # digits of a commit


def version(project: Path) -> str:
    """Return the template's version and address, in words. Raises SetupError where the project does not say them."""
    try:
        said = tomllib.loads((project / SETTINGS).read_text(encoding="utf-8"))
        template = said["tool"]["sm-algo"]
        return f"{template['version']}, from {template['address']}"
    except (OSError, ValueError) as error:
        raise SetupError(f"{SETTINGS} cannot be read, so the template's version is unknown: {error}") from error
    except (KeyError, TypeError):
        raise SetupError(
            f"{SETTINGS} has no version and address of the template under [tool.sm-algo]: restore it from git"
        ) from None


def commit(project: Path) -> str | None:
    """Return the template's commit with its address, in words; None where cruft did not make the project.

    Raises SetupError where cruft's file is damaged.
    """
    file = project / STATE
    if not file.exists():
        return None
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(str(error)) from error
    if not isinstance(state, dict) or not isinstance(state.get("template"), str):
        raise _damaged("it names no template")
    if not isinstance(state.get("commit"), str) or not COMMIT.fullmatch(state["commit"]):
        raise _damaged("it names no commit")
    return f"{state['commit'][:SHOWN]} of {state['template']}"


def _damaged(reason: str) -> SetupError:
    return SetupError(
        f"{STATE} is damaged: {reason}; restore it from git, or delete it and link the project with the template anew, "
        "as README.md says"
    )
