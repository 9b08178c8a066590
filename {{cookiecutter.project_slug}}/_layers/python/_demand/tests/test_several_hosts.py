"""Several hosts train what one host would."""

import sys
from pathlib import Path

import pytest

from runtime.testing import divided, train_on_hosts

SAMPLE = Path(__file__).parent.parent / "sample"
EPOCHS = 4
TOLERANCE = 1e-4  # of the loss, about 7: sums are rounded in another order

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address only")


def train(folder, size, *, sharded=False):
    data = divided(SAMPLE, "train", "validation", hosts=size, sharded=sharded)
    return train_on_hosts(folder, {"epochs": EPOCHS}, data, sharded=sharded)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return train(tmp_path_factory.mktemp("alone"), 1)[0]


@pytest.mark.parametrize(("size", "sharded"), [(3, False), (2, True)], ids=["replicated", "sharded"])
def test_several_hosts_end_with_the_same_parameters_and_with_one_hosts_loss(tmp_path, alone, size, sharded):
    runs = train(tmp_path, size, sharded=sharded)
    assert {len(run.digest) for run in runs} == {64}
    assert len({(run.digest, run.metric("validation:mse")) for run in runs}) == 1
    assert runs[0].metric("validation:mse") == pytest.approx(alone.metric("validation:mse"), abs=TOLERANCE)
    assert [run.model for run in runs] == [alone.model] + [[]] * (size - 1)
