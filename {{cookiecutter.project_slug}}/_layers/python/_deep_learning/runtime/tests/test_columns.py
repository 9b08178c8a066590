"""Columns of numbers and texts become the same matrix in training, in serving and on several hosts."""

import json
import sys

import numpy as np
import pytest

from runtime.data.columns import FILE, Columns
from runtime.data.tables import matrix, read_csv
from runtime.distributed.shares import Share
from runtime.errors import UserError
from runtime.testing import features, train_on_hosts

FEATURES = {"age": float, "port": str, "fare": float, "deck": str}
# Ages 10 and 30, with a gap; ports without one; a fare that is always the same; decks with a gap.
TRAINING = "age,port,fare,deck\n10,S,5,B\n,Q,5,\n30,S,5,A\n"


def table(text, declared=FEATURES):
    return matrix(read_csv(text, header=True), declared)


def learnt(text, declared=FEATURES):
    rows = table(text, declared)
    return Columns.learn(declared, rows, Share(len(rows), sharded=False))


def test_numbers_are_scaled_texts_one_hot_and_gaps_filled_and_marked():
    columns = learnt(TRAINING)
    assert columns.matrix(table(TRAINING)).tolist() == [
        # age, is missing; port Q, S; fare; deck A, B, is missing
        [-1, 0, 0, 1, 0, 0, 1, 0],
        [0, 1, 1, 0, 0, 0, 0, 1],
        [1, 0, 0, 1, 0, 1, 0, 0],
    ]
    assert columns.width == 8
    assert columns.matrix(table(TRAINING)).dtype == np.float32


def test_what_training_did_not_have_is_zeros():
    """A text that is unknown, and a gap where there was none."""
    row = learnt(TRAINING).matrix(features(b'[{"age": 50, "port": "C"}]', "application/json", FEATURES))
    assert row.tolist() == [[3, 0, 0, 0, 0, 0, 0, 1]]


def test_a_column_that_is_constant_but_for_rounding_is_only_centred():
    text = "fare\n" + "0.1\n" * 1000
    columns = learnt(text, {"fare": float})
    assert columns.matrix(table("fare\n0.6\n", {"fare": float}))[0, 0] == pytest.approx(0.5)


def test_numbers_alone_are_found_by_position_as_in_requests_without_a_header():
    columns = learnt("a,b\n1,5\n3,\n", {"a": float, "b": float})
    row = columns.matrix(features(b"3,5\n,7\n", declared={"a": float, "b": float}))
    assert row.tolist() == [[1, 0, 0], [0, 2, 0]]


def test_what_was_saved_makes_the_same_matrix(tmp_path):
    columns = learnt(TRAINING)
    columns.save(tmp_path)
    assert [part["name"] for part in json.loads((tmp_path / FILE).read_text())] == list(FEATURES)
    again = Columns.load(tmp_path)
    assert again.width == columns.width
    np.testing.assert_array_equal(again.matrix(table(TRAINING)), columns.matrix(table(TRAINING)))


@pytest.mark.parametrize(("name", "row"), [("age", ",S,1,B"), ("deck", "1,S,1,")])
def test_a_feature_without_any_value_is_named(name, row):
    with pytest.raises(UserError, match=f"no row has a value of '{name}'"):
        learnt(f"age,port,fare,deck\n{row}\n")


@pytest.mark.parametrize(
    "declared",
    [{**FEATURES, "fare": str}, {"age": float, "harbour": str, "fare": float, "deck": str}, {"age": float}],
    ids=["kind", "name", "count"],
)
def test_a_model_of_other_features_is_refused(declared):
    text = ",".join(declared) + "\n" + ",".join("1" * len(declared)) + "\n"
    with pytest.raises(
        UserError, match=r"was trained on the features age, port, fare, deck, but FEATURES in algorithm\.py"
    ):
        learnt(TRAINING).matrix(table(text, declared))


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address only")
def test_two_hosts_learn_what_one_would(project, tmp_path):
    """From a channel of which each has a part, and from rows that both have."""
    folder = project(
        """
        from runtime.api import Columns, Share

        FEATURES = {"age": float, "port": str}

        def train(channels, hyperparameters, job):
            rows = channels["train"].matrix(FEATURES)
            sharded = Columns.learn(FEATURES, rows, Share(len(rows), sharded=True))
            rows = rows[:2]
            rows["age"], rows["port"] = [1, 4], ["é", None]
            both = Columns.learn(FEATURES, rows, Share(2, sharded=False))
            for name, columns in (("sharded", sharded), ("both", both)):
                (job.output_folder / name).mkdir()
                columns.save(job.output_folder / name)
            return sharded

        def save_fn(columns, folder):
            columns.save(folder)

        def model_fn(folder):
            return Columns.load(folder)

        def predict(columns, features):
            return columns.matrix(features)
        """
    )
    parts = ["10,S\n,S\n30,é\n", "35,\n45,Q\n"]
    data = [{"train": {f"{number}.csv": f"age,port\n{part}"}} for number, part in enumerate(parts)]
    train_on_hosts(tmp_path, {}, data, project=folder, sharded=True)

    declared = {"age": float, "port": str}
    for name, text in ("sharded", "".join(parts)), ("both", "1,é\n4,\n"):
        found = [Columns.load(file.parent) for file in tmp_path.glob(f"*/output/data/{name}/{FILE}")]
        rows = table(f"age,port\n{text}", declared)
        expected = learnt(f"age,port\n{text}", declared).matrix(rows)
        assert len(found) == 2
        for columns in found:
            np.testing.assert_allclose(columns.matrix(rows), expected, rtol=1e-6, atol=1e-7)
