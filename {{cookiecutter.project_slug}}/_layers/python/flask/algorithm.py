"""Your algorithm. THIS IS THE FILE YOU EDIT: hyperparameters, train and predict.

The example fits a straight line (ordinary least squares) and estimates by bootstrap how sure its coefficients are.
Replace it with your own; `make local-test` then shows whether SageMaker will take it.
"""

import numpy as np
from pydantic import BaseModel, Field

from runtime.api import InputError, UserError

CHECKPOINT_EVERY = 2_000  # resamples


class Hyperparameters(BaseModel):
    """What a job can set: SageMaker's strings arrive here with the types, limits and defaults below."""

    resamples: int = Field(200, ge=0, description="bootstrap resamples behind the standard errors")
    seed: int = Field(0, ge=0, description="seed of the resampling")


def train(channels, hyperparameters, job):
    """Fit the model to the `train` channel: CSV without header, the target in the first column.

    Whatever is returned is saved for `predict`. `job` may be left out of the signature; it is what a long training
    needs: checkpoints, the signal to stop, metrics.
    """
    data = channels["train"].matrix()
    target, features = data[:, 0], data[:, 1:]
    if not features.size:
        raise UserError("channel 'train' has one column, the target: put the features into the columns behind it")
    coefficients = fit(features, target)
    residuals = target - linear(coefficients, features)
    job.report({"train:rmse": np.sqrt(np.mean(residuals**2))})
    errors = standard_errors(features, target, hyperparameters, job)
    return {"coefficients": coefficients, "standard_errors": errors}


def predict(model, features):
    """Predict one number for each row of `features`, an array of shape (rows, features).

    An InputError becomes an answer with status 400 that shows its message; any other exception one with 500.
    """
    expected = len(model["coefficients"]) - 1
    if features.shape[1] != expected:
        raise InputError(f"each row has {features.shape[1]} values, the model was trained on {expected}")
    return linear(model["coefficients"], features)


def fit(features, target):
    """Return the least-squares coefficients, the intercept first."""
    design = np.column_stack([np.ones(len(features)), features])
    return np.linalg.lstsq(design, target, rcond=None)[0]


def linear(coefficients, features):
    """Return the value of the line at each row."""
    return coefficients[0] + features @ coefficients[1:]


def standard_errors(features, target, hyperparameters, job):
    """Return the standard deviation of the coefficients over bootstrap resamples of the rows.

    Shows what a long training does: it takes up the last checkpoint, leaves one now and then, and ends early, with
    what it has, when SageMaker stops the job.
    """
    done, total, squares = 0, 0.0, 0.0
    if checkpoint := job.checkpoints.latest():
        with np.load(checkpoint, allow_pickle=False) as state:
            done, total, squares = int(state["done"]), state["total"], state["squares"]

    while done < hyperparameters.resamples and not job.stopping:
        rows = np.random.default_rng([hyperparameters.seed, done]).integers(len(target), size=len(target))
        sample = fit(features[rows], target[rows])
        done, total, squares = done + 1, total + sample, squares + sample**2
        if done % CHECKPOINT_EVERY == 0:
            job.report({"resamples": done})
            with job.checkpoints.write(done, ".npz") as path, path.open("wb") as file:
                np.savez(file, done=done, total=total, squares=squares)

    if done < 2:
        return np.full(features.shape[1] + 1, np.nan)
    return np.sqrt(np.maximum(squares - total**2 / done, 0) / (done - 1))
