"""Several hosts train what one host would."""

import re
import sys
from pathlib import Path

import pytest

from runtime.testing import train_on_hosts

SAMPLE = Path(__file__).parent.parent / "sample"
# So few texts in a mini-batch that now and then one of two hosts has none of them.
SETTINGS = {"epochs": 1, "batch_size": 8, "learning_rate": 0.001, "max_length": 32}
TOLERANCE = 1e-4  # of the loss: sums are rounded in another order

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address only")


def parts(channel, count):
    """Return the rows of a channel in so many files of different length."""
    header, *rows = (SAMPLE / channel / "messages.csv").read_text().splitlines(keepends=True)
    cuts = [len(rows) * number**2 // count**2 for number in range(count + 1)]
    return {
        f"part-{number}.csv": "".join([header, *rows[slice(*cuts[number : number + 2])]]) for number in range(count)
    }


def train(folder, size, *, sharded=False):
    """Train on several hosts; for each the last line of metrics, the digest of its parameters, the model's files."""
    data = []
    for rank in range(size):
        every = {channel: parts(channel, size) for channel in ("train", "validation")}
        own = {channel: {f"part-{rank}.csv": files[f"part-{rank}.csv"]} for channel, files in every.items()}
        data.append(own if sharded else every)
    return [
        (re.findall("^epoch=.*", run.log, re.MULTILINE)[-1], "".join(re.findall("SHA-256 is (.*)", run.log)), run.model)
        for run in train_on_hosts(folder, SETTINGS, data, sharded=sharded)
    ]


def loss(line):
    assert line.startswith("epoch=1 ")
    return float(re.search(r"validation:loss=(\S+)", line)[1])


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return train(tmp_path_factory.mktemp("alone"), 1)[0]


@pytest.mark.parametrize(("size", "sharded"), [(2, False), (2, True)], ids=["replicated", "sharded"])
def test_several_hosts_end_with_the_same_parameters_and_with_one_hosts_loss(tmp_path, alone, size, sharded):
    first, *others = train(tmp_path, size, sharded=sharded)
    assert len(first[1]) == 64
    assert first[2] == alone[2]
    assert loss(first[0]) == pytest.approx(loss(alone[0]), abs=TOLERANCE)
    for other in others:
        assert other == (first[0], first[1], [])
