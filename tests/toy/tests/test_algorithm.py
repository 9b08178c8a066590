"""Tests of the toy."""

from pathlib import Path

import algorithm
from runtime import testing

SAMPLE = Path(__file__).parent.parent / "sample"


def test_it_predicts_the_mean(tmp_path):
    model = algorithm.train(testing.channels(SAMPLE, "train"), {}, testing.job(tmp_path))
    assert algorithm.predict(model, testing.features(b"5\n7\n")) == [3, 3]
