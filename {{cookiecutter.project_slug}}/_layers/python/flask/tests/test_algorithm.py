"""Your algorithm's own tests. They run without a container: `make test`."""

from pathlib import Path

import numpy as np
import pytest

import algorithm
from runtime import testing
from runtime.api import InputError

SAMPLE = Path(__file__).parent.parent / "sample"


@pytest.fixture
def job(tmp_path):
    return testing.job(tmp_path)


def train(job, **hyperparameters):
    return algorithm.train(testing.channels(SAMPLE, "train"), algorithm.Hyperparameters(**hyperparameters), job)


def test_the_line_through_the_sample(job):
    model = train(job)
    assert algorithm.predict(model, np.array([[1.0]])) == pytest.approx([881.3428400857504], abs=1e-6)
    assert (model["standard_errors"] > 0).all()


def test_a_row_of_another_width_is_refused(job):
    with pytest.raises(InputError, match="each row has 2 values"):
        algorithm.predict(train(job), np.ones((1, 2)))


def test_an_interrupted_training_ends_like_one_that_was_not(job, tmp_path):
    whole = train(testing.job(tmp_path / "other"), resamples=6000)
    train(job, resamples=4000)
    resumed = train(job, resamples=6000)
    assert resumed["standard_errors"] == pytest.approx(whole["standard_errors"])
