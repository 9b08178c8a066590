"""What every framework brings to the runtime, and what it lets algorithm.py see."""

import inspect

import pytest

from runtime import adapter, api
from runtime.protocol import Adapter


@pytest.mark.parametrize("name", ["save", "load"])
def test_the_adapter_fulfils_its_protocol(name):
    expected = list(inspect.signature(getattr(Adapter, name)).parameters)[1:]  # without self
    assert list(inspect.signature(getattr(adapter, name)).parameters) == expected


def test_what_algorithms_may_import_is_there():
    assert all(hasattr(api, name) for name in api.__all__)
