"""A process for each GPU: as many processes on this machine's CPUs stand for them."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
AS_IF_TWO_GPUS = "import sys; from runtime import training; training.gpu_count = lambda: 2; sys.exit(training.main())"


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a training on the sample with the given hyperparameters."""
    config = tmp_path / "input/config"
    config.mkdir(parents=True)
    (tmp_path / "input/data").symlink_to(PROJECT / "sample")
    (config / "inputdataconfig.json").write_text('{"train": {}, "validation": {}}')
    started = []

    def start(program=(sys.executable, "-c", AS_IF_TWO_GPUS), **hyperparameters):
        strings = {name: str(value) for name, value in hyperparameters.items()}
        (config / "hyperparameters.json").write_text(json.dumps(strings))
        environment = os.environ | {"SAGEMAKER_BASE_DIR": str(tmp_path)}
        started.append(
            subprocess.Popen(
                program, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def losses(log):
    return [float(loss) for loss in re.findall(r"validation:mse=(\S+)", log)]


def test_the_processes_train_what_one_would(start, tmp_path):
    log, _ = start(epochs=3).communicate(timeout=60)
    assert len(set(re.findall("SHA-256 is (.*)", log))) == 1
    assert log.count("SHA-256 is") == 2
    assert (tmp_path / "model/model.pt").exists()
    alone, _ = start((sys.executable, "runtime/train"), epochs=3).communicate(timeout=60)
    assert losses(log) == pytest.approx(losses(alone), abs=1e-4)


def test_sigterm_ends_them_with_a_model(start, tmp_path):
    job = start(epochs=100000, patience=100000)
    assert any(line.startswith("epoch=2 ") for line in job.stdout)
    job.send_signal(signal.SIGTERM)
    log, _ = job.communicate(timeout=30)
    assert job.returncode == 0, log
    assert (tmp_path / "model/model.pt").exists()


def test_the_reason_of_a_failed_process_is_the_jobs(start, tmp_path):
    job = start(epochs=3, hidden=0)
    job.communicate(timeout=60)
    assert job.returncode == 1
    assert [path.name for path in (tmp_path / "output").glob("failure*")] == ["failure"]
    assert "hyperparameter 'hidden' is '0'" in (tmp_path / "output/failure").read_text()
