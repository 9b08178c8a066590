"""Engines: ways of starting `train` and `serve`. `base.py` says what they can do, `open_engine` gives one."""

from pathlib import Path

from ..errors import SetupError
from .base import Engine
from .docker import DockerEngine
from .docker_cli import why_unusable
from .process import ProcessEngine

CHOICES = ("docker", "process")


def choose() -> str:
    """Return 'docker' where a Docker daemon answers, else 'process'."""
    return "process" if why_unusable() else "docker"


def open_engine(name: str | None, image: str | None, project: Path, *, gpus: bool = False) -> Engine:
    """Return the engine called `name` (None: the one that works here). Raises SetupError when it cannot work.

    With `gpus` containers are given this machine's GPUs (T9); local processes see them anyway.
    """
    name = name or choose()
    if name == "process":
        return ProcessEngine(project)
    if not image:
        raise SetupError("the docker engine needs --image NAME:TAG; `make local-test` passes the project's own")
    return DockerEngine(image, gpus=gpus)
