"""A model is kept without pickled code: what only code could read is refused in a sentence."""

import numpy as np
import pytest

from runtime import adapter
from runtime.errors import UserError


@pytest.mark.parametrize("value", [np.str_("chess"), np.float64(0.5), np.zeros(2), {1: object()}])
def test_a_value_of_another_type_is_named(tmp_path, value):
    file = tmp_path / "model.pt"
    adapter.dump({"arguments": {"classes": [value]}}, file)
    with pytest.raises(UserError, match=r"model.pt holds a \S+, which can only be read by running code: keep tensors"):
        adapter.read(file)


def test_what_is_no_file_of_torchs_is_another_error(tmp_path):
    file = tmp_path / "model.pt"
    file.write_bytes(b"no model")
    with pytest.raises(Exception) as caught:
        adapter.read(file)
    assert not isinstance(caught.value, UserError)
