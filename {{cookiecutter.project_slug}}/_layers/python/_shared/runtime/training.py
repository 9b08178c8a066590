"""`train`: the program that SageMaker starts for a training job (contract section 1)."""

import errno
import gc
import inspect
import json
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from runtime import channels, environment, failure
from runtime.checkpoints import Checkpoints
from runtime.errors import InputError, UserError
from runtime.hosts import Hosts
from runtime.metrics import report
from runtime.paths import Paths
from runtime.resources import cpu_count, limit_threads
from runtime.stopping import StopFlag, TrainingStopped

CONFIG_FILES = ("hyperparameters", "inputdataconfig", "resourceconfig")


class Job:
    """What a training job offers besides data and hyperparameters; `train` receives it as `job` if it asks.

    Attributes:
        checkpoints: where to save progress and find it again (T34, T36).
        stopping: true once SageMaker asks the job to stop: save and return within 120 seconds (T4).
        hosts: who takes part; `hosts.rank`, `hosts.size` (T16).
        model_folder: what `train` leaves here is part of model.tar.gz (T31).
        output_folder: what `train` leaves here is part of output.tar.gz, for plots and reports (T31).
        report: prints metrics, job.report({"train:rmse": 0.3}) (T38).
    """

    def __init__(self, paths: Paths, hosts: Hosts) -> None:
        self.checkpoints = Checkpoints(paths.checkpoints)
        self.stopping = StopFlag()
        self.hosts = hosts
        self.model_folder = paths.model
        self.output_folder = paths.output_data
        self.report = report


def main() -> int:
    """Run the training job; the result is the exit status: 0, or 1 with the reason in the failure file (T33)."""
    paths = Paths.from_environment()
    try:
        run(paths)
    except (Exception, TrainingStopped, KeyboardInterrupt) as error:
        if isinstance(error, UserError | InputError):
            print(failure.reason(error), file=sys.stderr, flush=True)
        else:
            traceback.print_exc()
        failure.write(paths.failure, explained(error, paths))
        return 1
    return 0


def run(paths: Paths) -> None:
    """Train on this host and save the model."""
    config = {name: read_json(paths.config / f"{name}.json") for name in CONFIG_FILES}
    strings = config["hyperparameters"] or {}
    hosts = Hosts.from_config(config["resourceconfig"] or {})
    found = channels.from_config(config["inputdataconfig"], paths.data)
    job = Job(paths, hosts)
    job.stopping.listen(interrupt=False)
    os.environ.update(environment.variables(paths, hosts, found, strings, config))
    limit_threads(cpu_count())

    # Late, because the numeric libraries that they import read the variables set above. What is imported stays, so
    # that looking for garbage meanwhile would only cost time, a third of the start for large libraries.
    gc.disable()
    import algorithm
    from runtime import adapter

    gc.enable()

    if not hosts.is_first:
        print(f"{hosts.current}: this framework trains on the first host, {hosts.all[0]}; nothing to do here")
        return
    paths.model.mkdir(parents=True, exist_ok=True)
    paths.output_data.mkdir(parents=True, exist_ok=True)
    model = call_train(algorithm, found, typed(algorithm, strings), job)
    if model is not None:
        adapter.save(model, paths.model)
    elif not any(paths.model.iterdir()):
        raise UserError("train() in algorithm.py returned None and left nothing in job.model_folder: return the model")
    print("training has ended, the model is saved", flush=True)


def read_json(path: Path) -> Any:
    """The content of one of the job's files, or None where it is missing. Raises UserError if it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(f"{path} is not JSON: {error}") from None


def typed(algorithm: ModuleType, strings: dict[str, object]) -> Any:
    """The hyperparameters as algorithm.py declares them; as plain values where it declares none."""
    from runtime import hyperparameters

    if declaration := getattr(algorithm, "Hyperparameters", None):
        return hyperparameters.parse(strings, declaration)
    return {name: hyperparameters.decode(text) for name, text in strings.items()}


def call_train(algorithm: ModuleType, found: channels.Channels, hyperparameters: Any, job: Job) -> Any:
    """Call `algorithm.train`, with the job if it takes one."""
    if "job" in inspect.signature(algorithm.train).parameters:
        return algorithm.train(found, hyperparameters, job=job)
    job.stopping.listen(interrupt=True)
    return algorithm.train(found, hyperparameters)


def explained(error: BaseException, paths: Paths) -> BaseException:
    """The error to report: a full disk is the user's to mend, by asking for a larger volume."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return UserError(
            f"the disk is full ({error}): give the job a larger VolumeSizeInGB, or write less to {paths.base}"
        )
    return error
