"""Keeps a model: a JSON file."""

import json
from pathlib import Path
from typing import Any

FILE = "model.json"


def save(model: Any, folder: str) -> None:
    """Write what `train` returned."""
    (Path(folder) / FILE).write_text(json.dumps(model))


def load(folder: str) -> Any:
    """Read it back. Raises FileNotFoundError, or ValueError for a file that is not JSON."""
    return json.loads((Path(folder) / FILE).read_text())
