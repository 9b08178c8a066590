"""The benchmark's algorithm.py: a decision tree on iris, numbers in, a class number out."""

import numpy as np
from pydantic import BaseModel
from sklearn.tree import DecisionTreeClassifier

from runtime.api import matrix


class Hyperparameters(BaseModel):
    """None."""


def train(channels, hyperparameters):
    """Fit the tree to the `train` channel: CSV without header, the class in the first column."""
    data = np.vstack([matrix(table) for table in channels["train"].tables(header=False)])
    return DecisionTreeClassifier(random_state=0).fit(data[:, 1:], data[:, 0].astype(int))


def predict(model, features):
    """Predict the class number of each row."""
    return model.predict(features)
