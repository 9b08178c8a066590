"""Tests without a container: `make test`."""

from pathlib import Path

import numpy as np
import pytest

import algorithm
from runtime import testing
from runtime.api import InputError

SAMPLE = Path(__file__).parent.parent / "sample"
CIRCLE = (SAMPLE / "circle.png").read_bytes()


@pytest.fixture
def model(tmp_path):
    return algorithm.train(testing.channels(SAMPLE, "train"), algorithm.Hyperparameters(), testing.job(tmp_path))


def test_a_circle_is_one(model):
    (answer,) = algorithm.predict(model, algorithm.input_fn(CIRCLE, "image/png", "utf-8"))
    assert answer["class"] == "circle"


def test_an_image_may_come_as_an_array(model):
    pixels = np.round(algorithm.pixels(CIRCLE) * 255).astype(int).tolist()
    images = algorithm.input_fn(f'{{"inputs": [{pixels}]}}'.encode(), "application/json", "utf-8")
    assert algorithm.predict(model, images) == algorithm.predict(model, algorithm.pixels(CIRCLE)[None])


def test_what_is_no_image_is_refused():
    with pytest.raises(InputError, match="the image cannot be read"):
        algorithm.input_fn(CIRCLE[:40], "image/png", "utf-8")
