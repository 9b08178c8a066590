"""`serve`: the program that SageMaker starts for an endpoint or a transform job (contract section 2)."""

import gc
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runtime import framework, libraries, stacks
from runtime.errors import UserError
from runtime.loading import load_algorithm
from runtime.paths import Paths
from runtime.resources import limit_threads
from runtime.serving.settings import Settings

if TYPE_CHECKING:
    from runtime.serving.answer import Answers
    from runtime.serving.handlers import Handlers


def main() -> int:
    """Load the model, then serve until SIGTERM; return the exit status."""
    stacks.show_at_signal()
    # The container's first process ignores a signal that it has no handler for.
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(0))
    started = time.perf_counter()
    # Everything that is loaded from here on stays, so that collecting garbage would only cost time (see Supervisor).
    gc.disable()
    try:
        settings = Settings.from_environment()
        check_port(settings.port)
        # Each worker computes on one CPU; more threads would only compete for it.
        limit_threads(1)
        with libraries.explained():
            load = prepare(Paths.from_environment(), settings)
        # Late, as in `prepare`.
        from runtime.serving.supervisor import Supervisor

        supervisor = Supervisor(load, settings)
    except UserError as error:
        print(f"cannot serve: {error}", file=sys.stderr, flush=True)
        return 1
    print(f"ready to start workers after {time.perf_counter() - started:.1f} s", flush=True)
    return supervisor.run()


def prepare(paths: Paths, settings: Settings) -> Callable[[], "Answers"]:
    """Load the model once for all workers; return a function that gives a worker its Answers.

    For a framework that does not survive a fork once it has computed (framework.LOADS_IN_WORKERS) only the packages
    are imported here, and each worker loads the model. Raises UserError if it cannot be loaded.
    """
    # Late, because the numeric libraries that they import read the variables that limit_threads sets.
    algorithm = load_algorithm()
    from runtime import adapter
    from runtime.serving import handlers
    from runtime.serving.answer import Answers

    if framework.DATA_FRAMES:
        import polars  # noqa: F401, before the workers are forked, which then share it

    steps = handlers.resolve(algorithm, adapter, batch=settings.batch)
    if framework.LOADS_IN_WORKERS:
        return lambda: Answers(load_model(steps, paths), steps, settings)
    answers = Answers(load_model(steps, paths), steps, settings)
    return lambda: answers


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
