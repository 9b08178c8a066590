"""A model is kept without pickle: of the types in it only those of known packages are trusted."""

import pytest
from sklearn.linear_model import LinearRegression

import algorithm
from runtime import adapter
from runtime.errors import UserError


class Unknown(LinearRegression):
    """A type that no package of scikit-learn's or numpy's has."""


def test_a_model_of_unknown_types_is_neither_saved_nor_loaded_until_algorithm_py_trusts_them(tmp_path, monkeypatch):
    name = f"{Unknown.__module__}.Unknown"
    monkeypatch.setattr(algorithm, "TRUSTED_TYPES", ["of.another.Kind"], raising=False)
    for refused in (lambda: adapter.save(Unknown(), str(tmp_path)), lambda: adapter.load(str(tmp_path))):
        with pytest.raises(UserError) as caught:
            refused()
        assert str(caught.value).endswith(f'write in algorithm.py: TRUSTED_TYPES = ["of.another.Kind", "{name}"]')
    monkeypatch.setattr(algorithm, "TRUSTED_TYPES", [name])
    adapter.save(Unknown(), str(tmp_path))
    assert isinstance(adapter.load(str(tmp_path)), Unknown)
