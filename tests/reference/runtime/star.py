"""Several hosts train as one: the first of them adds up what all have counted, and tells everybody the sums."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from job import Hosts

PORT = 7777
PATIENCE = 300.0  # seconds until all hosts must have found each other: they start at different times (T42)
SILENCE = 30.0  # seconds without a word after which a host is taken for dead
RETRY = 0.1  # seconds between two tries

Result = TypeVar("Result")


class HostLost(Exception):
    """A host has died."""


class Link:
    """A connection to another host; what goes over it is JSON, a line each."""

    def __init__(self, connection: socket.socket, name: str = ""):
        self.name = name
        self.address = connection.getpeername()[0]
        self._connection = connection
        connection.settimeout(SILENCE)
        self._lines = connection.makefile("rw", encoding="utf-8")

    def send(self, content: object) -> None:
        """Send something. Raises HostLost if nobody is there any more."""
        try:
            self._lines.write(json.dumps(content) + "\n")
            self._lines.flush()
        except OSError:
            raise lost(self.name) from None

    def receive(self) -> Any:
        """Return what the other host sends next. Raises HostLost if nothing comes."""
        try:
            text = self._lines.readline()
        except OSError:
            text = ""
        if not text:
            raise lost(self.name)
        return json.loads(text)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def lost(name: str) -> HostLost:
    """Return the error that names a dead host."""
    return HostLost(f"the host {name} is gone")


class Star:
    """The connections of this host: to all others on the first host, else to the first."""

    def __init__(self, links: list[Link], is_first: bool):
        self.links, self.is_first = links, is_first

    def add(self, numbers: list[float]) -> list[float]:
        """Return the sums of what every host brings. Raises HostLost on all of them when one has died."""
        if not self.is_first:
            (first,) = self.links
            first.send(numbers)
            sums = first.receive()
            if isinstance(sums, str):
                raise lost(sums)
            return sums
        sums = numbers
        for link in self.links:
            try:
                sums = [one + other for one, other in zip(sums, link.receive(), strict=True)]
            except HostLost:
                self.tell(link.name)
                raise
        self.tell(sums)
        return sums

    def tell(self, content: object) -> None:
        """Send the others the sums, or the name of the dead host."""
        for link in self.links:
            if link.name != content:
                link.send(content)


@contextmanager
def joined(hosts: Hosts) -> Iterator[Star]:
    """Connect the hosts of a job, and disconnect them at the end."""
    links = welcome(hosts) if hosts.is_first else [persistently(lambda: enter(hosts))]
    try:
        yield Star(links, hosts.is_first)
    finally:
        for link in links:
            link.close()


def welcome(hosts: Hosts) -> list[Link]:
    """Wait for the other hosts, under this host's name: it leads to the network interface that they use (T16)."""
    links = []
    if len(hosts.names) > 1:
        with persistently(lambda: socket.create_server((hosts.current, PORT))) as listener:
            listener.settimeout(PATIENCE)
            for _ in hosts.names[1:]:
                link = Link(listener.accept()[0])
                link.name = str(link.receive())
                links.append(link)
    return links


def enter(hosts: Hosts) -> Link:
    """Connect to the first host and say who this is."""
    link = Link(socket.create_connection((hosts.names[0], PORT), timeout=SILENCE), hosts.names[0])
    link.send(hosts.current)
    return link


def persistently(attempt: Callable[[], Result]) -> Result:
    """Try until it works: a name may not be known yet, and a host not be up (T42)."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(RETRY)
