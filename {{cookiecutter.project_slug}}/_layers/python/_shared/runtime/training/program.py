"""`train`: the program that SageMaker starts for a training job (contract section 1)."""

import atexit
import errno
import gc
import inspect
import json
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from runtime import framework, libraries, stacks
from runtime.distributed.cluster import Cluster, free_port
from runtime.distributed.hosts import Hosts
from runtime.errors import HostLost, InputError, UserError
from runtime.loading import load_algorithm
from runtime.paths import Paths
from runtime.resources import cpu_count, gpu_count, limit_threads
from runtime.training import channels, environment, failure
from runtime.training.job import Job
from runtime.training.stopping import StopFlag, TrainingStopped

CONFIG_FILES = ("hyperparameters", "inputdataconfig", "resourceconfig")

# Set once this process trains together with others; see `program`.
together = threading.Event()


def program() -> NoReturn:
    """Run `main`, and exit with its status.

    Where processes train together, the process exits without Python's own shutdown. During that shutdown the threads
    that talk with the other processes crash now and then (pytorch/pytorch#190489), even after destroy_process_group,
    and SageMaker would count a job whose model is saved as failed.
    """
    status = 1

    def leave() -> None:
        if together.is_set():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    stacks.show_at_signal()
    atexit.register(leave)  # registered first and called last, after the handlers of the libraries
    status = main()
    sys.exit(status)


def main() -> int:
    """Run the training job; return the exit status: 0, or 1 with the reason in the failure file (T33)."""
    paths = Paths.from_environment()
    try:
        with libraries.explained():
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
    """Run this host's part of the job."""
    resources = read_json(paths.config / "resourceconfig.json") or {}
    hosts = Hosts.from_config(resources)
    stopping = StopFlag()
    stopping.listen(interrupt=False)
    job = Job(paths, hosts, stopping)
    if "LOCAL_RANK" in os.environ:
        train(paths, job, [f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"])
    elif hosts.size == 1:
        take_part(paths, job)
    elif framework.DISTRIBUTES:
        with Cluster(hosts, stopping, partial(end, paths)) as cluster:
            take_part(paths, job, cluster.addresses)
    elif hosts.is_first:
        print(f"{hosts.current}: this framework trains on one host, this one", flush=True)
        take_part(paths, job)
    else:
        print(f"{hosts.current}: this framework trains on the first host, {hosts.all[0]}; nothing to do here")


def take_part(paths: Paths, job: Job, addresses: Sequence[str] = ()) -> None:
    """Train in this process, or with a framework that has a launcher in a process for each of several GPUs."""
    if framework.PROCESS_PER_GPU and gpu_count() > 1:
        from runtime.distributed.launcher import launch

        address = addresses[0] if addresses else f"127.0.0.1:{free_port()}"
        launch(paths, job.hosts, address, gpu_count(), job.stopping)
    else:
        train(paths, job, addresses)


def train(paths: Paths, job: Job, addresses: Sequence[str] = ()) -> None:
    """Train, together with other processes if there are addresses; the first process saves the model (T31)."""
    config = {name: read_json(paths.config / f"{name}.json") for name in CONFIG_FILES}
    strings = config["hyperparameters"] or {}
    found = channels.from_config(config["inputdataconfig"], paths.data)
    if job.hosts.size > 1 and not addresses:
        channels.require_whole(found)
    os.environ.update(environment.variables(paths, job.model_folder, job.hosts, found, strings, config))
    limit_threads(max(1, cpu_count() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))

    # Late, because the numeric libraries that they import read the variables set above. What is imported stays, so that
    # collecting garbage in it, now or later, would only cost time: a third of the start for large libraries.
    gc.disable()
    if addresses:
        from runtime.distributed.distribution import start

        together.set()
        start(job.hosts, addresses)
        job.stopping.listen(interrupt=False)  # again, because TensorFlow has replaced the handler
    algorithm = load_algorithm()
    from runtime import adapter
    from runtime.serving import handlers

    gc.freeze()
    gc.enable()

    steps = handlers.resolve(algorithm, adapter, batch=False)  # fails now, not after hours of training
    paths.model.mkdir(parents=True, exist_ok=True)
    paths.output_data.mkdir(parents=True, exist_ok=True)
    try:
        model = call_train(algorithm, found, typed(algorithm, strings), job)
    except Exception as error:
        if job.checkpoints.resumed:
            error.add_note(f"resumed from checkpoint {job.checkpoints.resumed}: delete it if it is not this job's")
        raise
    if addresses:
        print_digest(job, model)
    if not job.is_first:
        print(
            f"{job.hosts.current}: training has ended, the first host, {job.hosts.all[0]}, saves the model", flush=True
        )
        return
    if model is not None:
        steps.save_fn(model, str(paths.model))
    elif not any(paths.model.iterdir()):
        raise UserError("train() in algorithm.py returned None and left nothing in job.model_folder: return the model")
    if not job.stopping:  # else at most 120 s are left (T4)
        if model is None and not hasattr(algorithm, "model_fn"):
            raise UserError(
                "train() in algorithm.py returned None: return the model, or define model_fn(model_dir), "
                "which loads what it left in job.model_folder"
            )
        from runtime.training import proof  # late, because it imports the server, which would delay the start

        proof.serve_once(algorithm, steps, paths, found)
    print("training has ended, the model is saved", flush=True)


def print_digest(job: Job, model: Any) -> None:
    """Print the digest of the model by which hosts can be compared, if it has one."""
    from runtime.distributed.distribution import digest

    if found := digest(model):
        print(f"{job.hosts.current}: the parameters' SHA-256 is {found}", flush=True)


def end(paths: Paths, error: HostLost) -> None:
    """Exit because of another host, from any thread: the main thread may wait for that host forever."""
    print(failure.reason(error), file=sys.stderr, flush=True)
    failure.write(paths.failure, error)
    sys.stdout.flush()
    os._exit(1)


def read_json(path: Path) -> Any:
    """Return the content of one of the job's files, or None where it is missing. Raises UserError if it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(f"{path} is not JSON: {error}") from None


def typed(algorithm: ModuleType, strings: dict[str, object]) -> Any:
    """Return the hyperparameters as algorithm.py declares them; as plain values where it declares none."""
    from runtime.training import hyperparameters

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
    """Return the error to report: for a full disk one that tells the user what to do."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return UserError(
            f"the disk is full ({error}): give the job a larger VolumeSizeInGB, or write less to {paths.base}"
        )
    return error
