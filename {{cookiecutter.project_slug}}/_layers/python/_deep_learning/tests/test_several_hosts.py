"""Several hosts train what one host would: each is a local process with a loopback address as its name."""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SAMPLE = PROJECT / "sample"
EPOCHS = 4
TOLERANCE = 1e-4  # of the loss, about 7: sums are rounded in another order

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address only")


def halves(channel: str) -> list[str]:
    """The rows of a channel in two parts of different length."""
    rows = (SAMPLE / channel / "demand.csv").read_text().splitlines(keepends=True)
    cut = len(rows) // 3
    return ["".join(rows[:cut]), "".join(rows[cut:])]


def run(
    folder: Path, size: int, *, sharded: bool = False, program: tuple = (PROJECT / "runtime/train",), **environment: str
) -> list[tuple[str, list[str]]]:
    """Run a program that trains on several hosts; for each its log and the model's files."""
    block = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}"
    names = [f"{block}.{number}" for number in range(1, size + 1)]
    runs = []
    for rank, name in enumerate(names):
        config = folder / name / "input/config"
        config.mkdir(parents=True)
        distribution = {"S3DistributionType": "ShardedByS3Key" if sharded else "FullyReplicated"}
        files = {
            "hyperparameters": {"epochs": str(EPOCHS)},
            "inputdataconfig": {"train": distribution, "validation": distribution},
            "resourceconfig": {"current_host": name, "hosts": names, "network_interface_name": "lo"},
        }
        for file, content in files.items():
            (config / f"{file}.json").write_text(json.dumps(content))
        for channel in ("train", "validation"):
            parts = halves(channel)
            path = folder / name / "input/data" / channel
            path.mkdir(parents=True)
            for number, part in enumerate(parts):
                if not sharded or number == rank:
                    (path / f"part-{number}.csv").write_text(part)
        runs.append(
            subprocess.Popen(
                [sys.executable, *program],
                env={**os.environ, **environment, "SAGEMAKER_BASE_DIR": str(folder / name)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    logs = [run.communicate(timeout=120)[0] for run in runs]
    assert all(run.returncode == 0 for run in runs), logs
    models = [folder / name / "model" for name in names]
    return [(log, sorted(path.name for path in model.iterdir())) for log, model in zip(logs, models, strict=True)]


def train(folder: Path, size: int, *, sharded: bool = False, **environment: str) -> list[tuple[str, str, list[str]]]:
    """Train on several hosts; for each the last line of metrics, the digest of its parameters, the model's files."""
    return [
        (re.findall("^epoch=.*", log, re.MULTILINE)[-1], "".join(re.findall("SHA-256 is (.*)", log)), files)
        for log, files in run(folder, size, sharded=sharded, **environment)
    ]


def loss(line: str) -> float:
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


def test_files_that_train_leaves_itself_are_kept_of_the_first_host_only(tmp_path):
    (tmp_path / "algorithm.py").write_text(
        """
import os
from pathlib import Path

def train(channels, hyperparameters, job):
    (job.model_folder / "weights").touch()
    (job.model_folder / "vocabulary").touch()
    Path(os.environ["SM_MODEL_DIR"], "notes").touch()
"""
    )
    (tmp_path / "tmp").mkdir()
    code = (
        f"import sys; sys.path[0:0] = {[str(tmp_path), str(PROJECT)]}; from runtime.training import program; program()"
    )
    first, second = run(tmp_path, 2, program=("-c", code), TMPDIR=str(tmp_path / "tmp"))
    assert first[1] == ["notes", "vocabulary", "weights"]
    assert second[1] == []
    assert not list((tmp_path / "tmp").glob("model-*"))


def test_a_crash_while_python_closes_down_does_not_fail_the_job(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        """
import atexit, os, pathlib, sys, threading, time

class Crash:
    def __del__(self, abort=os.abort):
        abort()

def use_a_library():  # which registers its exit handler when algorithm.py imports it
    while "algorithm" not in sys.modules:
        time.sleep(0.01)
    atexit.register(lambda: pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "goodbye").touch())

sys.crash = Crash()  # what sys has is let go last, and for certain
threading.Thread(target=use_a_library, daemon=True).start()
"""
    )
    train(tmp_path, 2, PYTHONPATH=str(tmp_path))
    assert len(list(tmp_path.glob("*/goodbye"))) == 2
