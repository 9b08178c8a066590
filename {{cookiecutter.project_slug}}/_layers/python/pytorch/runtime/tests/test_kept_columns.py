"""A network is kept with the columns that it was returned with."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from runtime import adapter
from runtime.data.columns import Category, Columns, Number
from runtime.distributed import distribution
from runtime.errors import UserError
from runtime.testing import features


class Network(torch.nn.Linear):
    """A network of one layer."""

    def __init__(self, width):
        super().__init__(width, 1)
        self.arguments = {"width": width}


def test_a_network_and_its_columns_are_kept_as_a_pair(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "algorithm", SimpleNamespace(Network=Network))
    columns = Columns([Number("age", 30.0, 10.0, gaps=True), Category("port", ["Q", "S"])])
    network = Network(columns.width)
    rows = features(b"40,S\n,C\n", declared={"age": float, "port": str})
    adapter.save((network, columns), str(tmp_path))
    served, its_columns = adapter.load(str(tmp_path))
    with torch.inference_mode():
        expected = network(torch.tensor([[1.0, 0, 0, 1], [0, 1, 0, 0]])).numpy()
        np.testing.assert_allclose(served(torch.from_numpy(its_columns.matrix(rows))).numpy(), expected, rtol=1e-6)
    assert distribution.digest((network, columns)) == distribution.digest(network)


def test_a_pair_with_anything_else_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"return a Network of algorithm\.py with its `arguments`, or a pair of it and its Columns"
    ):
        adapter.save((Network(2), ["age"]), str(tmp_path))
