"""Keeps a model: a booster in one file of XGBoost's own format, which unlike pickle runs no code when read.

XGBoost is imported late: an algorithm that keeps its model itself, without it, need not wait for it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runtime import openmp  # noqa: F401, before XGBoost
from runtime.errors import InputError, UserError

if TYPE_CHECKING:
    from xgboost import Booster

FILE = "model.ubj"


def save(model: "Booster", folder: str) -> None:
    """Write the booster that `train` returned. Raises UserError for anything else."""
    from xgboost import Booster

    if not isinstance(model, Booster):
        raise UserError("train() must return a booster of XGBoost's; for any other model define save_fn and model_fn")
    model.save_model(Path(folder) / FILE)


def load(folder: str) -> "Booster":
    """Read the booster back. Raises FileNotFoundError, or XGBoostError for a file that is not its own."""
    from xgboost import Booster

    path = Path(folder) / FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    return Booster({"nthread": 1}, model_file=path)  # each worker has a CPU; more threads would not survive a fork


def predicted(booster: "Booster", features: Any) -> np.ndarray:
    """Return predictions for features of shape (rows, features): an array with nan for missing values, or sparse.

    They have shape (rows,), for multi:softprob (rows, classes). After early stopping they are those of the best round.
    Raises InputError for another number of features; of a sparse matrix the last may be left out.
    """
    width = booster.num_features()
    if not isinstance(features, np.ndarray) and features.shape[1] < width:
        features = type(features)((features.data, features.indices, features.indptr), (features.shape[0], width))
    if features.shape[1] != width:
        raise InputError(f"expected features of shape (rows, {width}), got {features.shape}")
    best = booster.attr("best_iteration")
    # Without a DMatrix: for one row it takes two thirds of the time, for many rows half.
    return booster.inplace_predict(features, iteration_range=(0, 0 if best is None else int(best) + 1))
