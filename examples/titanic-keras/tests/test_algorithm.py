"""Tests without a container: `make test`."""

from pathlib import Path

import algorithm
from runtime import testing

SAMPLE = Path(__file__).parent.parent / "sample"


def test_women_of_the_first_class_survive_and_men_of_the_third_do_not(tmp_path):
    channels = testing.channels(SAMPLE, "train")
    model = algorithm.train(channels, algorithm.Hyperparameters(), testing.job(tmp_path))
    body = b'[{"Pclass": 1, "Sex": "female", "Age": 20}, {"Pclass": "3", "Sex": "male", "Age": null}]'
    woman, man = algorithm.predict(model, testing.features(body, "application/json", algorithm.FEATURES))
    assert woman > 0.6 > 0.3 > man
