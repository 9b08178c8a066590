"""Engines: ways of starting `train` and `serve`. `base.py` says what they can do, `open_engine` gives one."""

from pathlib import Path

from ..errors import SetupError
from .base import Engine
from .process import ProcessEngine

CHOICES = ("docker", "process")


def why_no_docker() -> str | None:
    """Return why Docker cannot be used here, in a sentence with advice; None if it can."""
    try:
        from .daemon import connect

        connect().close()
    except ModuleNotFoundError as error:
        return (
            f"the Python package `{error.name}` is missing, through which local_test speaks with Docker; install "
            "it: pip install -r local_test/requirements.txt"
        )
    except SetupError as error:
        return str(error)
    return None


def choose() -> str:
    """Return 'docker' where a Docker daemon answers, else 'process'."""
    return "process" if why_no_docker() else "docker"


def open_engine(name: str | None, image: str | None, project: Path, *, gpus: bool = False) -> Engine:
    """Return the engine called `name` (None: the one that works here). Raises SetupError when it cannot work.

    With `gpus` containers are given this machine's GPUs (T9); local processes see them anyway.
    """
    reason = why_no_docker() if name != "process" else None
    if name == "process" or (name is None and reason):
        return ProcessEngine(project)
    if reason:
        raise SetupError(f"the docker engine cannot be used: {reason}")
    if not image:
        raise SetupError("the docker engine needs --image NAME:TAG; `make local-test` passes the project's own")
    from .docker import DockerEngine

    return DockerEngine(image, gpus=gpus)
