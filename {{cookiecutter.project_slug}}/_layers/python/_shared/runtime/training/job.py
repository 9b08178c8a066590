"""The training job, as `train` in algorithm.py sees it."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from runtime.distributed.hosts import Hosts
from runtime.paths import Paths
from runtime.training.checkpoints import Checkpoints
from runtime.training.metrics import report
from runtime.training.stopping import StopFlag


class Job:
    """A training job, besides its data and hyperparameters; `train` gets it if it has a parameter `job`.

    Attributes:
        checkpoints: where to save progress and find it again (T34, T36).
        stopping: true once SageMaker asks the job to stop: save and return within 120 seconds (T4).
        hosts: the hosts of the job; `hosts.rank`, `hosts.size` (T16).
        is_first: whether this process is the one that writes checkpoints; it also saves the model (T31).
        model_folder: what `train` leaves here is part of model.tar.gz (T31). SageMaker merges the folders of all
            hosts, so only the first process has the real one; those of other processes are temporary.
        output_folder: what `train` leaves here is part of output.tar.gz, for plots and reports (T31).
        report: prints metrics, job.report({"train:rmse": 0.3}) (T38).
    """

    def __init__(self, paths: Paths, hosts: Hosts, stopping: StopFlag) -> None:
        self.checkpoints = Checkpoints(paths.checkpoints)
        self.stopping = stopping
        self.hosts = hosts
        self.output_folder = paths.output_data
        # Where a host has a process for each GPU, the first of them writes and reports for all.
        local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        self.is_first = hosts.is_first and local_rank == 0
        self.model_folder = paths.model if self.is_first else scratch_folder()
        self.report = report if local_rank == 0 else lambda values: None


def scratch_folder() -> Path:
    """Make a folder that is removed when the program ends."""
    folder = Path(tempfile.mkdtemp(prefix="model-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
