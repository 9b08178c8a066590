"""Your algorithm's own tests. They run without a container: `make test`."""

from pathlib import Path

import pytest

import algorithm
from runtime import testing
from runtime.api import adapter

SAMPLE = Path(__file__).parent.parent / "sample"


@pytest.fixture
def job(tmp_path):
    return testing.job(tmp_path)


def train(job, **hyperparameters):
    channels = testing.channels(SAMPLE, "train", "validation")
    return algorithm.train(channels, algorithm.Hyperparameters(**hyperparameters), job)


def request(body):
    return testing.features(body, declared=algorithm.FEATURES)


def test_it_has_learned_from_the_sample(job):
    model = train(job)
    features, target = algorithm.read(testing.channels(SAMPLE, "validation")["validation"])
    usual = max((target == label).mean() for label in set(target))
    assert algorithm.scores("validation", model, features, target)["validation:accuracy"] > usual + 0.05


def test_gaps_and_unknown_categories_are_answered(job):
    answers = algorithm.predict(
        train(job, n_estimators=10), request(b"3,79.5,4,monthly,invoice\n,,,,\n1,1,1,new,new\n")
    )
    assert len(answers) == 3
    for answer in answers:
        assert sum(answer["probabilities"].values()) == pytest.approx(1)
        assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)


def test_a_saved_model_answers_alike(job, tmp_path):
    model = train(job, n_estimators=20)
    adapter.save(model, tmp_path)
    row = request(b"3,79.5,4,monthly,invoice\n")
    assert algorithm.predict(adapter.load(str(tmp_path)), row) == algorithm.predict(model, row)


def test_an_interrupted_training_ends_like_one_that_was_not(job, tmp_path):
    row = request(b"3,79.5,4,monthly,invoice\n")
    whole = train(testing.job(tmp_path / "other"), n_estimators=120)
    train(job, n_estimators=100)
    resumed = train(job, n_estimators=120)
    assert algorithm.predict(resumed, row) == algorithm.predict(whole, row)
