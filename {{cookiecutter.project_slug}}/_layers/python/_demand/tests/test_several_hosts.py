"""Several hosts train what one host would."""

import re
import sys
from pathlib import Path

import pytest

from runtime.testing import train_on_hosts

SAMPLE = Path(__file__).parent.parent / "sample"
EPOCHS = 4
TOLERANCE = 1e-4  # of the loss, about 7: sums are rounded in another order

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address only")


def halves(channel):
    """The rows of a channel in two files of different length."""
    rows = (SAMPLE / channel / "demand.csv").read_text().splitlines(keepends=True)
    cut = len(rows) // 3
    return {"part-0.csv": "".join(rows[:cut]), "part-1.csv": "".join(rows[cut:])}


def train(folder, size, *, sharded=False):
    """Train on several hosts; for each the last line of metrics, the digest of its parameters, the model's files."""
    data = []
    for rank in range(size):
        parts = {channel: halves(channel) for channel in ("train", "validation")}
        own = {channel: {f"part-{rank}.csv": files[f"part-{rank}.csv"]} for channel, files in parts.items()}
        data.append(own if sharded else parts)
    return [
        (re.findall("^epoch=.*", run.log, re.MULTILINE)[-1], "".join(re.findall("SHA-256 is (.*)", run.log)), run.model)
        for run in train_on_hosts(folder, {"epochs": EPOCHS}, data, sharded=sharded)
    ]


def loss(line):
    assert line.startswith(f"epoch={EPOCHS} ")
    return float(line.rpartition("validation:mse=")[2])


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return train(tmp_path_factory.mktemp("alone"), 1)[0]


@pytest.mark.parametrize("sharded", [False, True], ids=["replicated", "sharded"])
def test_two_hosts_end_with_the_same_parameters_and_with_one_hosts_loss(tmp_path, alone, sharded):
    first, second = train(tmp_path, 2, sharded=sharded)
    assert len(first[1]) == 64
    assert first[:2] == second[:2]
    assert loss(first[0]) == pytest.approx(loss(alone[0]), abs=TOLERANCE)
    assert first[2] == alone[2]
    assert second[2] == []
