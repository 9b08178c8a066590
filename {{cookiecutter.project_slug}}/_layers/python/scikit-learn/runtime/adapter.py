"""Keeps a model: a scikit-learn estimator in one skops file, which unlike pickle runs no code when read."""

import json
import zipfile
from pathlib import Path
from typing import Any

import sklearn
from sklearn.base import BaseEstimator
from skops import io

from runtime.errors import UserError

FILE = "model.skops"
# Besides the types that skops trusts by itself, a model may hold those of these packages, which are installed in
# the versions that requirements.txt pins; and those that TRUSTED_TYPES of algorithm.py names.
TRUSTED_PACKAGES = ("sklearn.", "numpy.")


def save(model: BaseEstimator, folder: str) -> None:
    """Write the estimator that `train` returned.

    Raises UserError for anything but an estimator, and for one that `load` would refuse.
    """
    if not isinstance(model, BaseEstimator):
        raise UserError("train() must return a scikit-learn estimator; for any other model define save_fn and model_fn")
    dump(model, Path(folder) / FILE)


def load(folder: str) -> Any:
    """Read the estimator back. Raises FileNotFoundError, or UserError for a file that may not be trusted."""
    # Hyperparameters were checked when the model was trained; checking them at every predict costs time.
    sklearn.set_config(skip_parameter_validation=True)
    return read(Path(folder) / FILE)


def dump(model: Any, path: Path) -> None:
    """Write a model or a checkpoint to one file. Raises UserError if it holds types that `read` would refuse."""
    io.dump(model, path, compression=zipfile.ZIP_DEFLATED)
    trusted(path)


def read(path: Path) -> Any:
    """Read what `dump` wrote. Raises UserError if it holds types that are not trusted."""
    return io.load(path, trusted=trusted(path))


def trusted(path: Path) -> list[str]:
    """Return the types in a file that are accepted beyond the usual ones."""
    import algorithm

    declared = getattr(algorithm, "TRUSTED_TYPES", ())
    types = io.get_untrusted_types(file=path)
    if strange := [name for name in types if not name.startswith(TRUSTED_PACKAGES) and name not in declared]:
        trusted = json.dumps(sorted({*declared, *strange}))  # in the quotes that `make lint` wants
        raise UserError(
            f"{path.name} holds types that are not trusted yet: if they are of algorithm.py or of packages that you "
            f"install, write in algorithm.py: TRUSTED_TYPES = {trusted}"
        )
    return types
