"""Several hosts find each other, and end together: each is a local process with a loopback address as its name."""

import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from runtime import framework
from runtime.distributed.cluster import PORT

PROJECT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address only")

# Joins the others, says so, and then does what the test asks for.
PROGRAM = """
import sys, time
from functools import partial
from pathlib import Path
from runtime.distributed.cluster import Cluster
from runtime.errors import UserError
from runtime.distributed.hosts import Hosts
from runtime.paths import Paths
from runtime.training.program import end
from runtime.training.stopping import StopFlag

current, names, base = sys.argv[1], sys.argv[2].split(","), Path(sys.argv[3])
stopping = StopFlag()
stopping.listen(interrupt=False)
with Cluster(Hosts(current, tuple(names)), stopping, partial(end, Paths(base))) as cluster:
    print("addresses", ",".join(cluster.addresses), flush=True)
    {then}
print("left", flush=True)
"""
WAIT = "time.sleep(60)"


class Host:
    """A process that stands for a host."""

    def __init__(self, name: str, names: list[str], folder: Path, then: str) -> None:
        self.failure = folder / name / "output/failure"
        program = PROGRAM.replace("{then}", textwrap.indent(then, "    ").strip())
        command = [sys.executable, "-c", program, name, ",".join(names), str(folder / name)]
        self.process = subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def line(self, start: str) -> str:
        """Wait for a line of its log."""
        return next((line for line in self.process.stdout if line.startswith(start)), "")

    def end(self, seconds: float = 30) -> tuple[int, str]:
        """Wait for its end; the exit code and the rest of its log."""
        output, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode, output


@pytest.fixture
def names():
    """Addresses that no other test uses at this moment, in SageMaker's order."""
    block = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}"
    return [f"{block}.{number}" for number in (1, 2, 3)]


@pytest.fixture
def start(names, tmp_path):
    """Return a function that starts one of the hosts; in the end all are gone."""
    hosts = []

    def start(rank: int, then: str = WAIT) -> Host:
        hosts.append(Host(names[rank], names, tmp_path, then))
        return hosts[-1]

    yield start
    for host in hosts:
        host.process.kill()
        host.process.wait()
        host.process.stdout.close()


def test_hosts_find_each_other_though_the_first_comes_late(start, names):
    others = [start(rank, "pass") for rank in (1, 2)]
    time.sleep(1)
    hosts = [start(0, "pass"), *others]
    addresses = [host.line("addresses") for host in hosts]
    assert len(set(addresses)) == 1
    assert [address.rsplit(":", 1)[0] for address in addresses[0].split()[1].split(",")] == names
    assert [host.end()[0] for host in hosts] == [0, 0, 0]


@pytest.mark.parametrize("dead", [0, 2])
def test_a_host_that_dies_ends_the_others_which_name_it(start, names, dead):
    hosts = [start(rank) for rank in range(3)]
    for host in hosts:
        assert host.line("addresses")
    killed = time.monotonic()
    hosts[dead].process.send_signal(signal.SIGKILL)
    for rank in {0, 1, 2} - {dead}:
        code, _ = hosts[rank].end()
        assert code == 1
        assert hosts[rank].failure.read_text().startswith(f"HostLost: host {names[dead]} died")
    assert time.monotonic() - killed < 10


@pytest.mark.parametrize("failing", [0, 1])
def test_a_host_that_fails_tells_the_others_why(start, names, failing):
    hosts = [start(rank, "raise UserError('no such column')" if rank == failing else WAIT) for rank in range(3)]
    for rank in {0, 1, 2} - {failing}:
        code, _ = hosts[rank].end()
        assert code == 1
        expected = f"HostLost: host {names[failing]} failed: UserError: no such column"
        assert hosts[rank].failure.read_text().startswith(expected)
    assert "UserError: no such column" in hosts[failing].end()[1]


def test_an_error_that_another_host_caused_names_that_host(start, names):
    """The framework's own error, which knows of no names, comes first."""
    hosts = [start(0, "time.sleep(1)\nraise RuntimeError('peer closed')"), start(1), start(2)]
    for host in hosts:
        assert host.line("addresses")
    hosts[2].process.send_signal(signal.SIGKILL)
    assert hosts[0].end()[0] == 1
    assert f"host {names[2]} died" in hosts[0].failure.read_text()


def test_hosts_may_finish_one_after_the_other(start):
    hosts = [start(0, "time.sleep(1)"), start(1, "pass"), start(2, "time.sleep(2)")]
    for host in hosts:
        code, log = host.end()
        assert (code, log.splitlines()[-1]) == (0, "left")
        assert not host.failure.exists()


@pytest.mark.parametrize("rank", [0, 1])
def test_sigterm_ends_the_wait_for_hosts_that_do_not_come(start, rank):
    host = start(rank)
    time.sleep(1)
    host.process.terminate()
    code, log = host.end()
    assert code == 1
    assert "stopped before all of its hosts had joined" in log


def test_a_stranger_on_the_port_does_no_harm(start, names):
    hosts = [start(0, "pass"), start(1, "pass")]
    for body in (b"GET / HTTP/1.1\r\n\r\n", b'{"host": "else", "port": 1}\n', b"[1]\n", b"\xff\n", b""):
        with connected(names[0]) as stranger:
            stranger.sendall(body)
    hosts.append(start(2, "pass"))
    assert [host.end()[0] for host in hosts] == [0, 0, 0]


def connected(name: str) -> socket.socket:
    """Return a connection to the first host, as soon as it listens."""
    for _ in range(100):
        try:
            return socket.create_connection((name, PORT))
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{name} does not listen")


def test_a_busy_port_is_named(start, names):
    with socket.create_server((names[0], PORT)):
        code, log = start(0).end()
    assert code == 1
    assert f"{names[0]} cannot use port {PORT}" in log


@pytest.fixture
def alone(project, tmp_path):
    """Return a function that runs `train` on one of two hosts, of which only the first trains."""
    folder = project("def train(channels, hyperparameters):\n    pass\n")

    def alone(host: str) -> subprocess.CompletedProcess:
        config = tmp_path / "input/config"
        config.mkdir(parents=True)
        (config / "resourceconfig.json").write_text(f'{{"current_host": "{host}", "hosts": ["algo-1", "algo-2"]}}')
        (config / "inputdataconfig.json").write_text('{"training": {"S3DistributionType": "ShardedByS3Key"}}')
        (tmp_path / "input/data/training").mkdir(parents=True)
        environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(tmp_path)}
        command = [sys.executable, folder / "runtime/train"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return alone


@pytest.mark.skipif(framework.DISTRIBUTES, reason="this framework distributes")
def test_a_framework_that_does_not_distribute_says_so(alone, tmp_path):
    run = alone("algo-2")
    assert run.stdout == "algo-2: this framework trains on the first host, algo-1; nothing to do here\n"
    assert run.returncode == 0
    assert not (tmp_path / "model").exists()


@pytest.mark.skipif(framework.DISTRIBUTES, reason="this framework distributes")
def test_and_it_does_not_train_on_a_part_of_the_data(alone, tmp_path):
    assert alone("algo-1").returncode == 1
    failure = (tmp_path / "output/failure").read_text()
    assert failure.startswith("UserError: channel 'training' is ShardedByS3Key, but only one host trains")
