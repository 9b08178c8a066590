"""Your algorithm's own tests. They run without a container: `make test`."""

import re
from pathlib import Path

import numpy as np
import pytest

import algorithm
from runtime import testing
from runtime.api import InputError, adapter

SAMPLE = Path(__file__).parent.parent / "sample"
LIKELY, UNLIKELY = [67, 2900, 0, 0, 1, 20], [35, np.nan, 1, 1, 4, np.nan]
ROWS = np.array([LIKELY, UNLIKELY])


@pytest.fixture
def job(tmp_path):
    return testing.job(tmp_path / "ml")


def train(job, **hyperparameters):
    channels = testing.channels(SAMPLE, "train", "validation")
    return algorithm.train(channels, algorithm.Hyperparameters(**hyperparameters), job)


def rounds(log):
    return [line for line in log.splitlines() if line.startswith("round=")]


def test_it_has_learned_who_opens_a_deposit(job, capsys):
    likely, unlikely = algorithm.predict(train(job, num_round=40, eta=0.1, eval_metric="auc"), ROWS)
    assert likely > 0.6 and unlikely < 0.1
    assert float(rounds(capsys.readouterr().out)[-1].rpartition("validation:auc=")[2]) > 0.75


def test_the_best_round_is_kept_and_used(job, tmp_path, capsys):
    model = train(job, num_round=500, early_stopping_rounds=5)
    losses = [float(re.search(r"validation:logloss=(\S+)", line)[1]) for line in rounds(capsys.readouterr().out)]
    best = losses.index(min(losses))
    assert (model.best_iteration, len(losses)) == (best, best + 1 + 5)
    adapter.save(model, tmp_path)
    at_best = train(testing.job(tmp_path / "other"), num_round=best + 1)
    expected = algorithm.predict(at_best, ROWS)
    np.testing.assert_allclose(algorithm.predict(adapter.load(str(tmp_path)), ROWS), expected, rtol=1e-6)


def test_an_interrupted_training_ends_like_one_that_was_not(job, tmp_path, capsys):
    settings = {"eta": 0.03, "early_stopping_rounds": 20}
    whole = train(testing.job(tmp_path / "other"), num_round=100, **settings)
    uninterrupted = rounds(capsys.readouterr().out)
    train(job, num_round=53, **settings)  # the last checkpoint is that of round 50
    capsys.readouterr()
    resumed = train(job, num_round=100, **settings)
    assert rounds(capsys.readouterr().out) == uninterrupted[50:]
    assert resumed.best_iteration == whole.best_iteration
    np.testing.assert_allclose(algorithm.predict(resumed, ROWS), algorithm.predict(whole, ROWS), rtol=1e-6)


def test_a_training_that_is_stopped_leaves_a_checkpoint(tmp_path):
    job = testing.job(tmp_path, stopped=True)
    train(job, num_round=100)
    assert [path.stem for path in job.checkpoints.folder.iterdir()] == ["checkpoint-000000000001"]


def test_requests_in_libsvm_are_answered_like_csv(job):
    model = train(job, num_round=3)
    body = b"0 0:67 1:2900 2:0 3:0 4:1 5:20\n0:35 2:1 3:1 4:4\n"
    found = algorithm.predict(model, algorithm.input_fn(body, "text/libsvm"))
    np.testing.assert_array_equal(found, algorithm.predict(model, ROWS))


@pytest.mark.parametrize(
    ("media_type", "body", "message"),
    [
        ("text/csv", b"1,2\n", "line 1 has 2 values, expected 6: age, balance"),
        ("application/json", b'{"instances": [{"age": "old"}]}', "column 'age': 'old' is not a number"),
        ("text/libsvm", b"0 0:1\n0 9:1\n", r"expected features of shape \(rows, 6\), got \(2, 10\)"),
        ("text/libsvm", b"0 0:1\n0 0:1:2\n", "line 2: '0:1:2': '1:2' is not a number"),
    ],
)
def test_wrong_shapes_and_types_are_refused_in_words(job, media_type, body, message):
    model = train(job, num_round=1)
    with pytest.raises(InputError, match=message):
        if media_type == "text/libsvm":
            algorithm.predict(model, algorithm.input_fn(body, media_type))
        else:
            algorithm.predict(model, testing.features(body, media_type, algorithm.FEATURES))
