"""Keeps a model: a dict of numpy arrays in one .npz file, without pickle."""

from pathlib import Path

import numpy as np

from runtime.errors import UserError

FILE = "model.npz"

Model = dict[str, np.ndarray]


def save(model: Model, folder: str) -> None:
    """Write the model that `train` returned.

    Raises UserError for anything but a dict of numbers and numeric or text arrays.
    """
    if not isinstance(model, dict) or any(np.asarray(value).dtype.hasobject for value in model.values()):
        raise UserError(
            "train() must return a dict of numbers and arrays; for any other model define save_fn and model_fn"
        )
    np.savez(Path(folder) / FILE, allow_pickle=False, **model)


def load(folder: str) -> Model:
    """Read the model back. Raises FileNotFoundError, or ValueError for a file that is not a model's."""
    with np.load(Path(folder) / FILE, allow_pickle=False) as arrays:
        return dict(arrays)
