"""`serve`: the program that SageMaker starts for an endpoint or a transform job (contract section 2)."""

import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime import framework, stacks
from runtime.errors import UserError
from runtime.paths import Paths
from runtime.resources import limit_threads
from runtime.serving.settings import Settings

if TYPE_CHECKING:
    from runtime.serving.handlers import Handlers

# SageMaker kills the container 30 seconds after SIGTERM (I5); requests in flight get this long.
DRAIN_SECONDS = 25
# The folder that the server shows as /ping: its only file, which is empty, is the answer.
PING = Path(__file__).parent / "ping"


def main() -> int:
    """Load the model, then serve until SIGTERM; the result is the exit status."""
    stacks.show_at_signal()
    # As the container's first process, a signal without a handler would be ignored.
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(0))
    started = time.perf_counter()
    # What is loaded from here on stays: looking for garbage meanwhile would only cost time (see `serve`).
    gc.disable()
    try:
        settings = Settings.from_environment()
        check_port(settings.port)
        # Every worker process computes on one CPU; more threads would only fight over it.
        limit_threads(1)
        load = prepare(Paths.from_environment(), settings)
    except UserError as error:
        print(f"cannot serve: {error}", file=sys.stderr, flush=True)
        return 1
    print(f"ready to start workers after {time.perf_counter() - started:.1f} s", flush=True)
    serve(load, settings)
    return 0


def prepare(paths: Paths, settings: Settings) -> Callable[[], Any]:
    """Load the model once for all workers; the result gives a worker its WSGI application.

    For a framework that does not survive a fork once it has computed (framework.LOADS_IN_WORKERS) only the packages
    are imported here, and each worker loads the model. Raises UserError if it cannot be loaded.
    """
    # Late, because the numeric libraries that they import read the variables that limit_threads sets.
    import algorithm
    from runtime import adapter
    from runtime.serving import handlers
    from runtime.serving.answer import Answers
    from runtime.serving.application import create_app

    steps = handlers.resolve(algorithm, adapter, batch=settings.batch)
    if framework.LOADS_IN_WORKERS:
        return lambda: create_app(Answers(load_model(steps, paths), steps, settings))
    app = create_app(Answers(load_model(steps, paths), steps, settings))
    return lambda: app


def load_model(steps: "Handlers", paths: Paths) -> Any:
    """Load the model. Raises UserError if it cannot be loaded."""
    try:
        return steps.model_fn(str(paths.model))
    except Exception as error:
        if not isinstance(error, UserError | FileNotFoundError):
            traceback.print_exc()
        raise UserError(f"the model in {paths.model} cannot be loaded: {type(error).__name__}: {error}") from error


def check_port(port: int) -> None:
    """Raise UserError where something else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            raise UserError(f"port {port} cannot be used: {error.strerror}; set SAGEMAKER_BIND_TO_PORT") from None


def serve(load: Callable[[], Any], settings: Settings) -> None:
    """Answer on every interface (I7) until SIGTERM, then finish what is in flight (I5).

    The workers are forked from this process, which holds the model, or at least the packages: memory is shared, and a
    worker that dies is replaced at once. Should they die again and again, the server gives up and the container ends.

    Each worker has one thread for Python, so neither the model nor the algorithm's functions need to be safe for
    threads, and no two requests get into each other's way: with more threads the slowest answers take twice as long.
    A client that sends its body slowly would hold a worker, but SageMaker's front end has the whole body, whose
    signature it checks, before it passes it on.
    /ping must not wait for that thread (I9): the server answers it by itself, outside Python. It means that the model
    is loaded, since workers only start with it.
    """
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    multiprocessing.set_start_method("fork", force=True)
    # The garbage collector of a worker need not walk through, and so copy, what it shares with the others.
    gc.freeze()
    parent = os.getpid()
    print(f"listening on port {settings.port} with {settings.workers} workers", flush=True)
    Granian(
        "runtime.serving.application",
        address="0.0.0.0",
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=1,
        static_path_route=["/ping"],
        static_path_mount=[PING],
        static_path_dir_to_file="alive",
        static_path_expires=0,
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
        websockets=False,
        log_level=LogLevels.error,
    ).serve(target_loader=lambda: start_worker(load, parent), wrap_loader=False)


def start_worker(load: Callable[[], Any], parent: int) -> Any:
    """Give this worker process its application, and make it end with its parent, however and whenever that ended.

    Nothing may answer in its place. The parent's process id was asked for before the fork: where a model takes long
    to load the parent may end meanwhile, and the worker would then watch the process that it was left to.
    """
    # Until the server has its own handler: an exception, as in the parent, may get lost in the loading of a model.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        app = load()
    except UserError as error:
        print(f"cannot serve: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    gc.enable()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    return app
