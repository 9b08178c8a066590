"""What the peers need to know of the model they serve: how to read its features, how to write its predictions."""

import os
import time
from pathlib import Path

import joblib
import numpy as np
import pandas

SECONDS = 0.2  # that a prediction for iris takes which begins with a number below 0, as on our side
# Which columns are numbers; None: all are.
NUMBERS = {"iris": None, "scikit-learn": (0, 1, 2)}[os.environ["WORKLOAD"]]


def load():
    """Return the model that our side has trained, as a joblib file."""
    return joblib.load(Path(os.environ["MODEL_FOLDER"]) / "model.joblib")


def features(rows):
    """Return the fields of a CSV file as the model was trained on them: an array, or rows for the pipeline's frame."""
    if NUMBERS is None:
        return np.asarray(rows, dtype=float)
    return [[float(v) if i in NUMBERS else v for i, v in enumerate(row)] for row in rows]


def predict(model, data):
    """Return a list of CSV fields for each prediction: the class, and for the pipeline its probabilities."""
    if NUMBERS is None:
        end = time.perf_counter() + SECONDS if data[0][0] < 0 else 0
        while time.perf_counter() < end:
            pass
        return [[label] for label in model.predict(data).tolist()]
    frame = pandas.DataFrame(data)
    frame.columns = model.feature_names_in_
    labels = model.classes_.tolist()
    return [[labels[max(range(len(p)), key=p.__getitem__)], *p] for p in model.predict_proba(frame).tolist()]
