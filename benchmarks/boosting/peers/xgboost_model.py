"""XGBoost's example for the peers: the file that our side has trained, asked with a DMatrix."""

import os
from pathlib import Path

import xgboost


def load():
    """Return the booster that our side has trained."""
    return xgboost.Booster(model_file=Path(os.environ["MODEL_FOLDER"]) / "model/model.ubj")


def predict(model, data, threads=None):
    """Predict each row of a data frame; early stopping's best round is the last that counts."""
    best = model.attr("best_iteration")
    last = 0 if best is None else int(best) + 1
    return model.predict(xgboost.DMatrix(data.to_numpy(), nthread=threads), iteration_range=(0, last))
