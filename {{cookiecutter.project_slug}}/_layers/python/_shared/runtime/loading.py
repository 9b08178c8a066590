"""Loading algorithm.py, whose packages may be missing."""

import traceback
from pathlib import Path
from types import ModuleType

from runtime.errors import UserError

RUNTIME = Path(__file__).resolve().parent


def load_algorithm() -> ModuleType:
    """Import algorithm.py. Raises UserError where a package is missing that it or one of its modules imports."""
    try:
        import algorithm
    except ModuleNotFoundError as error:
        importing = traceback.extract_tb(error.__traceback__)[-1]
        # A package of the runtime is not the user's to add, and a package without this module is installed.
        if RUNTIME in Path(importing.filename).parents or not error.name or "." in error.name:
            raise
        file = importing.filename.removeprefix(f"{RUNTIME.parent}/")
        raise UserError(
            f"the Python package '{error.name}' is missing, which {file} imports in line {importing.lineno}: add it to "
            "requirements.txt, by its name on PyPI, and run make lock"
        ) from error
    return algorithm
