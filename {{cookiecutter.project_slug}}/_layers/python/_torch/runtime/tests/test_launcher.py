"""A process for each GPU: as many processes on this machine's CPUs stand for them."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

# As `train`, on a host with two GPUs, as far as it knows.
AS_IF_TWO_GPUS = """
import sys
from runtime.training import program
program.gpu_count = lambda: 2
sys.exit(program.main())
"""
ALGORITHM = """
import torch
from pydantic import BaseModel, Field

from runtime.distributed import consensus, distribution


class Hyperparameters(BaseModel):
    epochs: int = 3
    hidden: int = Field(1, ge=1)


def train(channels, hyperparameters, job):
    torch.manual_seed(0)
    network = torch.nn.Linear(1, 1)
    parallel = distribution.parallel(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    x = torch.linspace(0, 1, 8)[distribution.rank() :: distribution.size()].reshape(-1, 1)
    for epoch in range(1, hyperparameters.epochs + 1):
        loss = ((parallel(x) - 3 * x) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        job.report({"epoch": epoch, "loss": distribution.total([loss.item()])[0] / distribution.size()})
        if consensus.anyone(bool(job.stopping)):
            break
    return network


def save_fn(network, model_dir):
    torch.save(network.state_dict(), f"{model_dir}/model.pt")


def model_fn(model_dir):
    return torch.load(f"{model_dir}/model.pt", weights_only=True)
"""


@pytest.fixture
def start(project, tmp_path):
    """Return a function that starts a training with these hyperparameters; with no other program, as on two GPUs."""
    folder = project(ALGORITHM)
    config = tmp_path / "input/config"
    config.mkdir(parents=True)
    started = []

    def start(program=("-c", AS_IF_TWO_GPUS), **hyperparameters):
        strings = {name: str(value) for name, value in hyperparameters.items()}
        (config / "hyperparameters.json").write_text(json.dumps(strings))
        environment = os.environ | {"SAGEMAKER_BASE_DIR": str(tmp_path)}
        started.append(
            subprocess.Popen(
                [sys.executable, *program],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def losses(log):
    return [float(loss) for loss in re.findall(r"loss=(\S+)", log)]


def test_the_processes_train_what_one_would(start, tmp_path):
    log, _ = start(epochs=3).communicate(timeout=60)
    assert len(set(re.findall("SHA-256 is (.*)", log))) == 1
    assert log.count("SHA-256 is") == 2
    assert (tmp_path / "model/model.pt").exists()
    alone, _ = start(("runtime/train",), epochs=3).communicate(timeout=60)
    assert losses(log) == pytest.approx(losses(alone), abs=1e-4)


def test_sigterm_ends_them_with_a_model(start, tmp_path):
    job = start(epochs=100000)
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
