"""What tests of algorithm.py may use: the runtime's own parts, without a container."""

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from runtime.data import content
from runtime.distributed.hosts import Hosts
from runtime.paths import Paths
from runtime.training.channels import Channel, Channels
from runtime.training.job import Job
from runtime.training.stopping import StopFlag

PROJECT = Path(__file__).resolve().parent.parent


def channels(folder: Path, *names: str) -> Channels:
    """Return the channels with these names below a folder, such as Path("sample")."""
    return Channels({name: Channel(name, folder / name) for name in names})


def job(folder: Path, *, stopped: bool = False) -> Job:
    """Return a job on one host, its files below a folder; with `stopped`, SIGTERM has come."""
    paths, flag = Paths(folder), StopFlag()
    if stopped:
        flag.set()
    for made in (paths.model, paths.output_data):
        made.mkdir(parents=True, exist_ok=True)
    return Job(paths, Hosts(), flag)


def features(body: bytes, content_type: str = content.CSV, declared: Mapping[str, type] | None = None) -> Any:
    """Return what `predict` gets for a request; `declared` are the FEATURES of algorithm.py. Raises InputError."""
    return content.decode(body, content_type, features=declared)


@dataclass(frozen=True)
class HostRun:
    """The result of one of several hosts: its log, and the names of the files in its model folder."""

    log: str
    model: list[str]

    @property
    def digest(self) -> str:
        """The SHA-256 of what this host has learned, which several that train together write into their logs."""
        return "".join(re.findall(r"SHA-256 is (\w+)", self.log))

    def metric(self, name: str) -> float:
        """Return the last value of a metric that the job reported. Raises LookupError where there is none."""
        return float(re.findall(rf"(?<!\S){re.escape(name)}=(\S+)", self.log)[-1])


def divided(
    folder: Path, *names: str, hosts: int, sharded: bool = False, header: bool = False
) -> list[dict[str, dict[str, str]]]:
    """Return the channels below a folder for each of several hosts, as `train_on_hosts` takes them.

    The lines of each channel's CSV file become a file for each host, of different lengths: every host has all of them
    or, with `sharded`, its own. With `header` each begins with the first line.
    """
    channels = {name: _parts(next((folder / name).glob("*.csv")), hosts, header) for name in names}
    every = {
        name: {f"part-{number}.csv": part for number, part in enumerate(parts)} for name, parts in channels.items()
    }
    if not sharded:
        return [every] * hosts
    return [{name: {"part.csv": parts[number]} for name, parts in channels.items()} for number in range(hosts)]


def _parts(file: Path, count: int, header: bool) -> list[str]:
    lines = file.read_text().splitlines(keepends=True)
    first, rows = "".join(lines[:header]), lines[header:]
    cuts = [len(rows) * number**2 // count**2 for number in range(count + 1)]
    return [first + "".join(rows[start:end]) for start, end in pairwise(cuts)]


def train_on_hosts(
    folder: Path,
    hyperparameters: Mapping[str, Any],
    data: list[Mapping[str, Mapping[str, str]]],
    *,
    sharded: bool = False,
    project: Path = PROJECT,
    timeout: float = 120.0,
    **environment: str,
) -> list[HostRun]:
    """Run `train` on as many hosts as `data` has entries, each a local process with a loopback address as its name.

    Each entry has the text of every file of the host's channels, {"train": {"part.csv": "1,2"}}; `sharded` says that
    they differ (ShardedByS3Key, T29). macOS has one loopback address only. Raises AssertionError where a host fails.
    """
    block = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}"
    names = [f"{block}.{number}" for number in range(1, len(data) + 1)]
    distribution = {"S3DistributionType": "ShardedByS3Key" if sharded else "FullyReplicated"}
    strings = {name: str(value) for name, value in hyperparameters.items()}
    started = []
    for name, channels_of_host in zip(names, data, strict=True):
        base = folder / name
        config = {
            "hyperparameters": strings,
            "inputdataconfig": {channel: distribution for channel in channels_of_host},
            "resourceconfig": {"current_host": name, "hosts": names, "network_interface_name": "lo"},
        }
        _write(base / "input/config", {f"{file}.json": json.dumps(value) for file, value in config.items()})
        for channel, files in channels_of_host.items():
            _write(base / "input/data" / channel, files)
        started.append(
            subprocess.Popen(
                [sys.executable, project / "runtime/train"],
                env={**os.environ, **environment, "SAGEMAKER_BASE_DIR": str(base)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    logs = [process.communicate(timeout=timeout)[0] for process in started]
    assert all(process.returncode == 0 for process in started), logs
    models = [folder / name / "model" for name in names]
    return [
        HostRun(log, sorted(file.name for file in model.iterdir())) for log, model in zip(logs, models, strict=True)
    ]


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
