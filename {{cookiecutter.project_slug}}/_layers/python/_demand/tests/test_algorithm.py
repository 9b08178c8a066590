"""Your algorithm's own tests. They run without a container: `make test`."""

from pathlib import Path

import numpy as np
import pytest

import algorithm
from runtime import testing
from runtime.api import InputError, adapter

SAMPLE = Path(__file__).parent.parent / "sample"
COLD, MILD, HOT = -5.0, 18.0, 35.0  # °C
ROWS = np.array([[COLD], [MILD], [HOT]])


@pytest.fixture
def job(tmp_path):
    return testing.job(tmp_path / "ml")


def train(job, **hyperparameters):
    channels = testing.channels(SAMPLE, "train", "validation")
    return algorithm.train(channels, algorithm.Hyperparameters(**hyperparameters), job)


def epochs(log):
    return [int(line.split()[0].removeprefix("epoch=")) for line in log.splitlines() if line.startswith("epoch=")]


def test_it_has_learned_the_bends(job):
    cold, mild, hot = algorithm.predict(train(job, epochs=40), ROWS)
    # What sample/make_sample.py made the data from.
    assert (cold, mild, hot) == (pytest.approx(66.2, abs=2), pytest.approx(41, abs=2), pytest.approx(68.3, abs=2))


def test_training_ends_when_it_no_longer_gets_better(job, capsys):
    train(job, epochs=200, patience=2)
    done = epochs(capsys.readouterr().out)
    assert done == list(range(1, len(done) + 1))
    assert 3 <= len(done) < 200


def test_the_best_epoch_is_returned_not_the_last(job, tmp_path, capsys):
    model = train(job, epochs=12)
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("epoch=")]
    best = min(range(len(lines)), key=lambda epoch: float(lines[epoch][2].removeprefix("validation:mse=")))
    at_best = train(testing.job(tmp_path / "other"), epochs=best + 1)
    np.testing.assert_allclose(algorithm.predict(model, ROWS), algorithm.predict(at_best, ROWS), rtol=1e-6)


def test_a_saved_model_answers_alike(job, tmp_path):
    model = train(job, epochs=2)
    expected = algorithm.predict(model, ROWS)
    adapter.save(model, tmp_path)
    np.testing.assert_allclose(algorithm.predict(adapter.load(str(tmp_path)), ROWS), expected, rtol=1e-6)


def test_many_rows_are_answered_like_one_by_one(job):
    model = train(job, epochs=2)
    rows = np.linspace(-10, 38, 1000).reshape(-1, 1)
    one_by_one = [algorithm.predict(model, row.reshape(1, 1))[0] for row in rows[::100]]
    np.testing.assert_allclose(algorithm.predict(model, rows)[::100], one_by_one, rtol=1e-5)


def test_an_interrupted_training_ends_like_one_that_was_not(job, tmp_path, capsys):
    whole = train(testing.job(tmp_path / "other"), epochs=13)
    uninterrupted = capsys.readouterr().out.splitlines()
    train(job, epochs=7)  # the last checkpoint is that of epoch 5
    capsys.readouterr()
    resumed = train(job, epochs=13)
    assert capsys.readouterr().out.splitlines()[-1] == uninterrupted[-1]
    np.testing.assert_allclose(algorithm.predict(resumed, ROWS), algorithm.predict(whole, ROWS), rtol=1e-6)


def test_a_training_that_is_stopped_leaves_a_checkpoint(tmp_path):
    job = testing.job(tmp_path, stopped=True)
    train(job, epochs=100)
    assert [path.stem for path in job.checkpoints.folder.iterdir()] == ["checkpoint-000000000001"]


@pytest.mark.parametrize(
    ("media_type", "body", "message"),
    [
        ("text/csv", b"1,2\n", r"expected features of shape \(rows, 1\), got \(1, 2\)"),
        ("application/json", b'{"instances": [[1, 2, 3], [4, 5, 6]]}', r"\(rows, 1\), got \(2, 3\)"),
        ("application/json", b'{"instances": [["warm"]]}', "'warm' is not a number"),
        ("application/jsonlines", b"[1]\n[[2]]\n", r"expected one value, not \[2\]"),
    ],
)
def test_wrong_shapes_and_types_are_refused_in_words(job, media_type, body, message):
    model = train(job, epochs=1)
    with pytest.raises(InputError, match=message):
        algorithm.predict(model, testing.features(body, media_type))
