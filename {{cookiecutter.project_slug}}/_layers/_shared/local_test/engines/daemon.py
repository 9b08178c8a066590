"""The Docker daemon, reached through the docker SDK as the docker command reaches it.

Needs the packages of local_test/requirements.txt, which other modules therefore import late.
"""

import os
from contextlib import suppress
from typing import Any

import requests
from docker import DockerClient, from_env
from docker.errors import APIError, DockerException
from requests.adapters import BaseAdapter

from .. import interrupts
from ..errors import EngineLost, SetupError

LABEL = "local-test.sagemaker"  # on every container, volume and network that local_test makes
CONTACT_WITHIN = 20  # seconds
REPLY_WITHIN = 600  # seconds: a daemon unpacks models of many gigabytes
OTHERWISE = "or use the process engine (ENGINE=process)"


class Watched(BaseAdapter):
    """A transport of the SDK that distinguishes a daemon that is gone from one that refuses a request."""

    def __init__(self, transport: BaseAdapter):
        super().__init__()
        self.transport = transport

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request. Raises EngineLost where no answer comes."""
        try:
            return self.transport.send(request, *args, **options)
        except requests.RequestException as error:
            raise lost(error) from error

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()


def connect() -> DockerClient:
    """Return a client for the daemon of DOCKER_HOST, else of the current context.

    Raises SetupError, with advice, where it cannot be used.
    """
    try:
        client = from_env(timeout=CONTACT_WITHIN)
    except DockerException as error:
        raise SetupError(why_unreachable(root_of(error))) from error
    client.api.timeout = REPLY_WITHIN
    for prefix, transport in list(client.api.adapters.items()):
        client.api.mount(prefix, Watched(transport))
    return client


def lost(error: BaseException) -> EngineLost:
    """Return the error for a daemon that is gone, from an error of the transport."""
    return EngineLost(
        f"the Docker daemon has stopped answering in the middle of the run ({root_of(error)}). Start Docker again, and "
        "repeat the run; `make doctor` names what this one has left"
    )


def root_of(error: BaseException) -> BaseException:
    """Return the first cause of an exception."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def why_unreachable(error: BaseException) -> str:
    """Return why the daemon cannot be used, with advice."""
    if isinstance(error, PermissionError):
        return (
            "you may not use the socket of the Docker daemon (permission denied). Add yourself to its group, "
            f"`sudo usermod -aG docker {os.environ.get('USER', '$USER')}`, and log in again, {OTHERWISE}"
        )
    if isinstance(error, TimeoutError):
        return f"the Docker daemon does not answer within {CONTACT_WITHIN} s; restart it, {OTHERWISE}"
    return f"the Docker daemon does not answer ({error}); start Docker, {OTHERWISE}"


def remove_all(client: DockerClient, label: str) -> None:
    """Remove every container, volume and network with a label; quiet if there is none."""
    wanted = {"label": label}
    with interrupts.held():
        left = [
            *(
                (container.remove, {"force": True, "v": True})
                for container in client.containers.list(True, filters=wanted)
            ),
            *((volume.remove, {"force": True}) for volume in client.volumes.list(filters=wanted)),
            *((network.remove, {}) for network in client.networks.list(filters=wanted)),
        ]
        for remove, options in left:
            with suppress(APIError):  # it is gone already, or still in use
                remove(**options)
