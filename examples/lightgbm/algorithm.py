"""The rent of a flat by LightGBM: gradient boosted trees, which take columns with gaps as they are."""

import lightgbm
import numpy as np
from pydantic import BaseModel, Field

TARGET = "rent"

# The columns that the model reads, the same for training and for every request.
FEATURES = {"area": float, "rooms": float, "floor": float, "year_built": float, "km_to_centre": float}

MODEL = "model.txt"  # LightGBM's own format: text, which runs no code when it is read
TREES_AT_ONCE = 50


class Hyperparameters(BaseModel):
    """What a job can set."""

    num_trees: int = Field(200, ge=1, description="trees")
    learning_rate: float = Field(0.1, gt=0, le=1, description="share of each tree in the sum")
    num_leaves: int = Field(15, ge=2, le=131072, description="leaves of a tree")
    min_data_in_leaf: int = Field(10, ge=1, description="rows behind each leaf")
    seed: int = Field(0, ge=0, description="seed")


def train(channels, hyperparameters, job):
    """Fit trees to the `train` channel and watch them on `validation`: CSV files with a header."""
    features, target = read(channels["train"])
    settings = {"objective": "regression", "deterministic": True, "force_row_wise": True, "verbosity": -1}
    settings |= hyperparameters.model_dump(exclude={"num_trees"})

    model = None
    if checkpoint := job.checkpoints.latest():
        model = lightgbm.Booster(model_file=checkpoint)
    while (trees := model.num_trees() if model else 0) < hyperparameters.num_trees and not (job.stopping and model):
        data = lightgbm.Dataset(features, target)
        more = min(TREES_AT_ONCE, hyperparameters.num_trees - trees)
        model = lightgbm.train(settings, data, num_boost_round=more, init_model=model)
        job.report({"trees": trees + more, "train:rmse": rmse(model, features, target)})
        if "validation" in channels:
            job.report({"validation:rmse": rmse(model, *read(channels["validation"]))})
        with job.checkpoints.write(trees + more, ".txt") as path:
            model.save_model(path)
    return model


def save_fn(model, model_dir):
    """Write what `train` returned."""
    model.save_model(f"{model_dir}/{MODEL}")


def model_fn(model_dir):
    """Read what save_fn wrote."""
    return lightgbm.Booster(model_file=f"{model_dir}/{MODEL}")


def predict(model, features):
    """Predict the rent of each row of `features`, an array of shape (rows, 5); NaN where a value is missing."""
    return model.predict(features, num_threads=1)


def read(channel):
    """Return the features and the target of a channel: arrays of shape (rows, 5) and (rows,)."""
    return channel.matrix(FEATURES), channel.column(TARGET, float)


def rmse(model, features, target):
    """Return the root mean square error of the model on some data."""
    return np.sqrt(np.mean((model.predict(features) - target) ** 2))
