"""The hosts of a job find each other, and when one fails all exit (contract T42).

The collectives of a framework wait for minutes when another host is gone, and their errors do not say which. So every
host keeps a connection to the first one while it trains. When a program ends, for whatever reason, its system closes
the connection at once; when a host or its network is gone, keep-alive probes find out. The first host tells the others,
and each writes into its failure file which host was lost.
"""

import json
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any

from runtime.distributed.hosts import Hosts
from runtime.errors import HostLost, InputError, UserError
from runtime.training.failure import reason
from runtime.training.stopping import StopFlag, TrainingStopped

PORT = 7777
PATIENCE = 15 * 60  # seconds: hosts start at different times, and their names resolve later still (T42)
RETRY = 0.5  # seconds between two tries
REMINDER = 30  # seconds between two lines that name the hosts that are missing
ATTEMPT = 5  # seconds that one try to connect may take
# Probes that find out within 30 seconds that a host is gone; the names are Linux's and macOS's.
KEEP_ALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPALIVE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 30_000}
# Seconds that an error waits for the news of a lost host, which may be its cause: the collectives of the other hosts
# often fail before the news arrives.
NEWS = 3
GOODBYE = 60  # seconds that the first host waits for the others to finish


class Connection:
    """A connection between the first host and another one; messages are JSON objects, one for each line."""

    def __init__(self, sock: socket.socket, host: str = "") -> None:
        self.sock, self.host, self.left = sock, host, False
        self._buffer = b""
        sock.settimeout(ATTEMPT)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEP_ALIVE.items():
            if option := getattr(socket, name, None):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; if the other side is gone, the next read finds out."""
        with suppress(OSError):
            self.sock.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]] | None:
        """Return the messages that have come, None once the other side is gone. Raises ValueError for anything else."""
        try:
            data = self.sock.recv(65536)
        except OSError:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        messages = [json.loads(line) for line in lines]
        return messages if data or messages else None


class Cluster:
    """The hosts of a job, connected and watched while the `with` block runs.

    `lost` is called, in another thread, with the error to report once another host is gone; it must end the program.

    Attributes:
        addresses: each host with a port that is free there, "algo-1:40123", in order of rank.
    """

    def __init__(self, hosts: Hosts, stopping: StopFlag, lost: Callable[[HostLost], None]) -> None:
        self.hosts = hosts
        self.addresses: list[str] = []
        self._stopping, self._lost = stopping, lost
        self._ports = {hosts.current: free_port()}
        self._complete = threading.Event()
        self._leaving = False
        self._failed = False  # this host: it is the cause if others fail from then on
        self._connections: list[Connection] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> "Cluster":
        """Meet the other hosts. Raises UserError if one does not come, TrainingStopped at SIGTERM."""
        deadline = time.monotonic() + PATIENCE
        if self.hosts.is_first:
            server = self._persist(deadline, self._listen)
            self._register(server, partial(self._accept, server))
        else:
            connection = Connection(self._persist(deadline, self._connect), self.hosts.all[0])
            connection.send({"host": self.hosts.current, "port": self._ports[self.hosts.current]})
            self._keep(connection)
        threading.Thread(target=self._watch, daemon=True).start()
        self._persist(deadline, self._await_all)
        print(f"{self.hosts.current}: all {self.hosts.size} hosts have joined", flush=True)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Tell the other hosts that this one has finished, or why it failed."""
        if error and not isinstance(error, UserError | InputError | TrainingStopped):
            time.sleep(NEWS)
        self._leaving, self._failed = True, error is not None
        message = {"lost": self.hosts.current, "reason": reason(error)} if error else {"finished": True}
        for connection in list(self._connections):
            connection.send(message)
        # Closing a connection while a message is on its way to this side would discard what was sent last.
        deadline = time.monotonic() + (GOODBYE if self.hosts.is_first and not error else 0)
        while time.monotonic() < deadline and not all(one.left for one in list(self._connections)):
            time.sleep(0.05)

    def _persist(self, deadline: float, attempt: Callable[[], Any]) -> Any:
        """Try until it works; log now and then which hosts are missing."""
        reminder = time.monotonic() + REMINDER
        while True:
            try:
                return attempt()
            except (OSError, NotYet) as problem:
                waiting = f"{self.hosts.current}: waiting for {problem}"
            if self._stopping:
                raise TrainingStopped("the job was stopped before all of its hosts had joined")
            if time.monotonic() > deadline:
                raise UserError(f"{waiting}, for {PATIENCE // 60} minutes so far: see that host's log")
            if time.monotonic() > reminder:
                print(waiting, flush=True)
                reminder += REMINDER
            time.sleep(RETRY)

    def _listen(self) -> socket.socket:
        """Listen on this host's own name only, so that several hosts can share a machine's loopback network."""
        try:
            address = socket.getaddrinfo(self.hosts.current, PORT, socket.AF_INET, socket.SOCK_STREAM)[0][4]
        except OSError as error:
            raise NotYet(f"the network name {self.hosts.current} of its own ({error.strerror})") from None
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(address)
        except OSError as error:
            raise UserError(
                f"{self.hosts.current} cannot use port {PORT} of its address {address[0]}: {error.strerror}"
            ) from None
        server.listen(self.hosts.size)
        return server

    def _connect(self) -> socket.socket:
        first = self.hosts.all[0]
        try:
            return socket.create_connection((first, PORT), ATTEMPT)
        except OSError as error:
            raise NotYet(f"{first} ({error.strerror or error})") from None

    def _await_all(self) -> None:
        if not self._complete.wait(RETRY):
            absent = [host for host in self.hosts.all if host not in self._ports]
            raise NotYet(", ".join(absent) if self.hosts.is_first else f"{self.hosts.all[0]} to have met all hosts")

    def _register(self, sock: socket.socket, on_news: Callable[[], None]) -> None:
        self._selector.register(sock, selectors.EVENT_READ, on_news)

    def _keep(self, connection: Connection) -> None:
        self._connections.append(connection)
        self._register(connection.sock, partial(self._read, connection))

    def _watch(self) -> None:
        """Read what the other hosts say, until the program ends."""
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _accept(self, server: socket.socket) -> None:
        sock, _ = server.accept()
        self._keep(Connection(sock))

    def _read(self, connection: Connection) -> None:
        try:
            messages = connection.receive()
            for message in messages or []:
                self._take(connection, message)
        except (ValueError, LookupError, TypeError):
            messages = None  # not one of this job's hosts
        if messages is None:
            self._selector.unregister(connection.sock)
            if not connection.left and connection.host:
                self._end(connection.host, "")
            connection.left = True

    def _take(self, connection: Connection, message: dict[str, Any]) -> None:
        if "port" in message:
            connection.host = self.hosts.all[self.hosts.all.index(message["host"])]
            self._ports[connection.host] = int(message["port"])
            if len(self._ports) == self.hosts.size:
                self._meet({host: self._ports[host] for host in self.hosts.all})
        elif "ports" in message:
            self._meet(message["ports"])
        elif "lost" in message:
            self._end(message["lost"], message["reason"])
        elif "finished" in message:
            connection.left = True

    def _meet(self, ports: dict[str, int]) -> None:
        """All hosts have joined: the first one sends the others the addresses."""
        self.addresses = [f"{host}:{ports[host]}" for host in self.hosts.all]
        if self.hosts.is_first:
            self._tell({"ports": ports})
        self._complete.set()

    def _tell(self, message: dict[str, Any]) -> None:
        for connection in list(self._connections):
            connection.send(message)

    def _end(self, host: str, why: str) -> None:
        """Another host is gone: tell the hosts that cannot know it, then end this one."""
        if self.hosts.is_first and not self._failed:
            self._tell({"lost": host, "reason": why})
        if not self._leaving:
            died = "died: its program was killed (out of memory?) or its network is gone"
            self._lost(HostLost(f"host {host} {f'failed: {why}' if why else died}; see the log of {host}"))


class NotYet(Exception):
    """Something that this host is waiting for, in words."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]
