"""Tests of the toy."""

from pathlib import Path

import pytest

import algorithm
from runtime import testing

SAMPLE = Path(__file__).parent.parent / "sample"


def train(job, steps):
    return algorithm.train(testing.channels(SAMPLE, "train"), algorithm.Hyperparameters(steps=steps), job)


def test_it_predicts_the_mean(tmp_path):
    model = train(testing.job(tmp_path), 100)
    assert algorithm.predict(model, testing.features(b"5\n7\n")) == pytest.approx([3, 3])


def test_an_interrupted_training_goes_on(tmp_path):
    train(testing.job(tmp_path), algorithm.CHECKPOINT_EVERY)
    job = testing.job(tmp_path)
    train(job, algorithm.CHECKPOINT_EVERY)
    assert job.checkpoints.resumed
