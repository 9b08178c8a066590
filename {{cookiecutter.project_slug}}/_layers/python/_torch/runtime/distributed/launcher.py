"""One process for each GPU of this host, with torchrun's variables, so that code written for torchrun works (T44).

torchrun itself counts a job that SageMaker stops (T4) as failed, even if its processes have saved the model.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from runtime.distributed.hosts import Hosts
from runtime.errors import UserError
from runtime.paths import Paths
from runtime.training.stopping import StopFlag

TRAIN = Path(__file__).parent.parent / "train"
LOOK = 0.2  # seconds between two looks at the processes


def launch(paths: Paths, hosts: Hosts, address: str, count: int, stopping: StopFlag) -> None:
    """Run `train` in `count` processes; they and those of the other hosts meet at `address`, "name:port".

    SIGTERM is passed on to them. Raises UserError once one of them has failed, with its reason.
    """
    name, port = address.rsplit(":", 1)
    job = {"MASTER_ADDR": name, "MASTER_PORT": port}
    job |= {"WORLD_SIZE": str(hosts.size * count), "LOCAL_WORLD_SIZE": str(count)}
    processes = []
    for local in range(count):
        own = {"RANK": str(hosts.rank * count + local), "LOCAL_RANK": str(local)}
        processes.append(subprocess.Popen([sys.executable, TRAIN], env=os.environ | job | own))
    try:
        watch(paths, hosts, processes, stopping)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def watch(paths: Paths, hosts: Hosts, processes: list[subprocess.Popen], stopping: StopFlag) -> None:
    """Wait until all processes have succeeded. Raises UserError for the one that failed first."""
    told = False
    while any(process.poll() is None for process in processes):
        if stopping and not told:
            told = True
            for process in processes:
                process.terminate()
        if any(process.poll() for process in processes):
            break
        time.sleep(LOOK)
    for local, process in enumerate(processes):
        if process.poll():
            raise UserError(f"process {local} of {hosts.current} {reason(paths, process.returncode)}")


def reason(paths: Paths, code: int) -> str:
    """Return why a process failed: the failure file that was written first, for later failures only follow from it."""
    written = sorted(paths.failure.parent.glob(f"{paths.failure.name}-*"), key=lambda file: file.stat().st_mtime_ns)
    text = written[0].read_text(encoding="utf-8", errors="replace") if written else ""
    for file in written:
        file.unlink()
    return f"failed: {text}" if text else f"ended with exit code {code} (out of memory?)"
