"""Tests without a container: `make test`."""

from pathlib import Path

import numpy as np
import pytest

import algorithm
from runtime import testing

SAMPLE = Path(__file__).parent.parent / "sample"


def trained(folder, **hyperparameters):
    """Return the model of a training on the sample, as `predict` gets it."""
    job, settings = testing.job(folder), algorithm.Hyperparameters(**hyperparameters)
    algorithm.save_fn(algorithm.train(testing.channels(SAMPLE, "train", "validation"), settings, job), job.model_folder)
    return algorithm.model_fn(job.model_folder)


def test_it_has_learned_from_the_sample(tmp_path):
    features, target = algorithm.read(testing.channels(SAMPLE, "validation")["validation"])
    assert algorithm.rmse(trained(tmp_path), features, target) < np.std(target) / 3


def test_a_gap_is_answered(tmp_path):
    row = testing.features(b"area,rooms\n62.5,\n", declared=algorithm.FEATURES)
    assert algorithm.predict(trained(tmp_path), row)[0] > 0


def test_an_interrupted_training_ends_like_one_that_was_not(tmp_path):
    row = testing.features(b"62.5,2,3,1998,2.1\n", declared=algorithm.FEATURES)
    whole = trained(tmp_path / "whole", num_trees=150)
    trained(tmp_path / "parts", num_trees=100)
    resumed = trained(tmp_path / "parts", num_trees=150)
    assert algorithm.predict(resumed, row) == pytest.approx(algorithm.predict(whole, row), rel=1e-9)
