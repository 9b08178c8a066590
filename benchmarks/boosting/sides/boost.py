"""Boosts on rows already read, and prints the seconds and the last score on the rows of `train`.

Usage: python boost.py PROJECT {sm-algo,xgboost.train} ROWS ROUNDS; ROWS is a CSV file, the label first.
"""

import sys
import tempfile
import time
from pathlib import Path

project, library, file, rounds = sys.argv[1:]
sys.path.insert(0, project)

import algorithm  # noqa: E402
import runtime.testing  # noqa: E402
from runtime.api import boost, read_labelled  # noqa: E402

# isort: split

import xgboost  # noqa: E402, after the runtime, which prepares OpenMP for it

parameters = algorithm.Hyperparameters(num_round=int(rounds), eval_metric=["logloss"])
folder = Path(file).parent
channel = runtime.testing.channels(folder.parent, folder.name)[folder.name]
started = time.perf_counter()
data = read_labelled(channel, parameters)
read = time.perf_counter() - started

started = time.perf_counter()
if library == "xgboost.train":
    matrix = xgboost.DMatrix(data.features, data.labels)
    scores: dict = {}
    xgboost.train(
        parameters.of_xgboost(), matrix, int(rounds), evals=[(matrix, "train")], evals_result=scores, verbose_eval=True
    )
    took, score = time.perf_counter() - started, scores["train"]["logloss"][-1]
else:
    with tempfile.TemporaryDirectory() as base:
        job = runtime.testing.job(Path(base))
        started = time.perf_counter()
        booster = boost(parameters, data, None, job)
        took = time.perf_counter() - started
    matrix = xgboost.DMatrix(data.features, data.labels)
    score = float(booster.eval(matrix, "train").rpartition(":")[2])
print(read, took, score)
