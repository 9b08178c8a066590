"""Tests without a container: `make test`."""

from pathlib import Path

import pytest

import algorithm
from runtime import testing

SAMPLE = Path(__file__).parent.parent / "sample"


def test_friends_of_chess_players_play_chess(tmp_path):
    model = algorithm.train(testing.channels(SAMPLE, "train"), algorithm.Hyperparameters(), testing.job(tmp_path))
    body = b'{"nodes": [[2, 0], [2, 0], [0.4, 0], [-2, 0], [-2, 0]], "edges": [[0, 1], [1, 2], [0, 2], [3, 4]]}'
    assert algorithm.predict(model, algorithm.input_fn(body, "application/json")) == ["chess"] * 3 + ["tennis"] * 2


@pytest.mark.parametrize(
    "body", [b"[]", b'{"nodes": [[1, 2]], "edges": [[0, 1]]}', b'{"nodes": [[1], [1, 2]], "edges": []}']
)
def test_what_is_no_graph_is_refused(body):
    with pytest.raises(ValueError):
        algorithm.input_fn(body, "application/json")
