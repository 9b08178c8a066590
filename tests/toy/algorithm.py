"""Your algorithm. THIS IS THE FILE YOU EDIT. The example predicts the mean of what it has seen, whatever is asked."""

from runtime.api import matrix


def train(channels, hyperparameters, job):
    """Take the mean of all numbers of the `train` channel."""
    numbers = [number for table in channels["train"].tables(header=False) for number in matrix(table).flat]
    mean = sum(numbers) / len(numbers)
    job.report({"train:mean": mean})
    return {"mean": mean}


def predict(model, features):
    """Predict the mean for each row of `features`, an array of shape (rows, features)."""
    return [model["mean"]] * len(features)
