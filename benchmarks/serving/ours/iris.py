"""The benchmark's algorithm.py: a decision tree on iris, numbers in, a class number out.

A first number below 0 asks for a prediction that holds the interpreter for SECONDS, without a pause.
"""

import time

import numpy as np
from pydantic import BaseModel
from sklearn.tree import DecisionTreeClassifier

from runtime.api import matrix

SECONDS = 0.2


class Hyperparameters(BaseModel):
    """None."""


def train(channels, hyperparameters):
    """Fit the tree to the `train` channel: CSV without header, the class in the first column."""
    data = np.vstack([matrix(table) for table in channels["train"].tables(header=False)])
    return DecisionTreeClassifier(random_state=0).fit(data[:, 1:], data[:, 0].astype(int))


def predict(model, features):
    """Predict the class number of each row."""
    end = time.perf_counter() + SECONDS if features[0, 0] < 0 else 0
    while time.perf_counter() < end:
        pass
    return model.predict(features)
