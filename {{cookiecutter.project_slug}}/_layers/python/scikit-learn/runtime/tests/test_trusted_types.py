"""A model is kept without pickle: of the types in it only those of known packages are trusted."""

import pytest
from sklearn.linear_model import LinearRegression

from runtime import adapter
from runtime.errors import UserError


def test_a_model_of_unknown_types_is_neither_saved_nor_loaded(tmp_path):
    class Unknown(LinearRegression):
        pass

    with pytest.raises(UserError, match="Unknown"):
        adapter.save(Unknown(), tmp_path)
    with pytest.raises(UserError, match="Unknown"):
        adapter.load(str(tmp_path))
