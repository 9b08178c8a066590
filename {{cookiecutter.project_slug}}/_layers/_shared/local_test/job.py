"""One training job, laid out as SageMaker lays out /opt/ml before it starts `train`.

The files come in several ages and dialects (contract T12-T19, L6): each is a field of `Job`, so that a check can
change one thing and leave the rest alone.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import archive
from .sample import Processing, Sample

ODD_CHANNEL = "a.b-c_d"  # legal (T24)
ODD_HOST = "algo-1-x7f3q"  # as SDK v2's local mode names it (L7)
# Hyperparameters that SageMaker and its SDK add without being asked (T39, T49).
SAGEMAKERS_OWN = {"_tuning_objective_metric": "validation:accuracy", "sagemaker_job_name": "local-test"}


def as_text(value: object) -> str:
    """SDK v2 `Estimator(image_uri=...)`: Python's str(), so True -> 'True' (T13)."""
    return str(value)


def as_json(value: object) -> str:
    """SDK v2 framework estimators: json.dumps, so "abc" -> '"abc"' (T13)."""
    return json.dumps(value)


def as_json_but_bare_strings(value: object) -> str:
    """SDK v3 `ModelTrainer`: JSON, but strings stay bare (T13)."""
    return value if isinstance(value, str) else json.dumps(value)


ENCODINGS = {"str()": as_text, "json.dumps": as_json, "JSON with bare strings": as_json_but_bare_strings}


@dataclass(frozen=True)
class Job:
    """A training job as one host sees it.

    `channels` is name -> folder to copy (None: an empty channel); values of `hyperparameters` are encoded with
    `encoding`; `extra_hyperparameters` are strings already. `host` is the name of this host, `hosts` has the names of
    all hosts in SageMaker's order (empty: there is no other).
    """

    channels: Mapping[str, Path | None]
    content_types: dict[str, str]
    hyperparameters: dict
    extra_hyperparameters: dict[str, str] = field(default_factory=dict)
    encoding: str = "str()"
    host: str = "algo-1"
    hosts: tuple[str, ...] = ()
    network_interface_name: str = "eth0"
    sharded: tuple[str, ...] = ()  # channels that are ShardedByS3Key (T29)
    newest_resourceconfig: bool = False  # T16, as seen in December 2025
    local_mode_config: bool = False  # L6, as the SDK's local mode writes it
    extra_config_files: bool = False  # T18
    manifest_files: bool = False  # T25
    environment: dict[str, str] = field(default_factory=lambda: {"TRAINING_JOB_NAME": "local-test"})  # T20
    entrypoint: tuple[str, ...] = ()  # ContainerEntrypoint, and ContainerArguments (T2)
    arguments: tuple[str, ...] = ()

    @classmethod
    def of(cls, sample: Sample, hyperparameters: dict | None = None) -> "Job":
        """Return the sample's job in its plainest documented form, with other hyperparameters where given."""
        merged = {**sample.hyperparameters, **(hyperparameters or {})}
        return cls(sample.channel_folders, dict(sample.channels), merged)

    @property
    def rank(self) -> int:
        """The number of this host, from 0."""
        return self.hosts.index(self.host) if self.hosts else 0

    def but(self, **changes: Any) -> "Job":
        """Return this job with some fields changed."""
        return replace(self, **changes)

    def encoded_hyperparameters(self) -> dict[str, str]:
        """Return the hyperparameters as SageMaker passes them: string -> string (T12)."""
        encode = ENCODINGS[self.encoding]
        return {name: encode(value) for name, value in self.hyperparameters.items()} | self.extra_hyperparameters

    def inputdataconfig(self) -> dict:
        """Return inputdataconfig.json (T14); ContentType only where one is known."""
        config = {}
        for name in self.channels:
            config[name] = {"TrainingInputMode": "File"}
            if not self.local_mode_config:
                distribution = "ShardedByS3Key" if name in self.sharded else "FullyReplicated"
                config[name] |= {"S3DistributionType": distribution, "RecordWrapperType": "None"}
            if name in self.content_types:
                config[name]["ContentType"] = self.content_types[name]
        return config

    def resourceconfig(self) -> dict:
        """Return resourceconfig.json in one of its three ages (T16, L6)."""
        hosts = list(self.hosts) or [self.host]
        config: dict[str, Any] = {
            "current_host": self.host,
            "hosts": hosts,
            "network_interface_name": self.network_interface_name,
        }
        if self.local_mode_config:
            config["current_instance_type"] = "local"
        if self.newest_resourceconfig:
            name, instance_type = "homogeneousCluster", "ml.c5.xlarge"
            config |= {
                "current_group_name": name,
                "current_instance_type": instance_type,
                "instance_groups": [{"hosts": hosts, "instance_group_name": name, "instance_type": instance_type}],
                "topology": None,
            }
        return config

    def config_files(self) -> dict[str, object]:
        """Return file name -> content of /opt/ml/input/config."""
        files: dict[str, object] = {
            "hyperparameters.json": self.encoded_hyperparameters(),
            "inputdataconfig.json": self.inputdataconfig(),
            "resourceconfig.json": self.resourceconfig(),
        }
        if self.extra_config_files:
            files |= {
                "init-config.json": {},
                "metric-definition-regex.json": {},
                "trainingjobconfig.json": {"TrainingJobName": "local-test"},
                "upstreamoutputdataconfig.json": [],
                "debughookconfig.json": None,
                "profilerconfig.json": {"DisableProfiler": True},
            }
        return files

    def write(self, base: Path) -> None:
        """Write the tree that SageMaker has ready before `train` starts into `base` (it stands for /opt/ml)."""
        for folder in ("input/config", "input/data", "model", "output/data"):
            (base / folder).mkdir(parents=True, exist_ok=True)
        for name, content in self.config_files().items():
            (base / "input/config" / name).write_text(json.dumps(content), encoding="utf-8")
        for name, source in self.channels.items():
            target = base / "input/data" / name
            if source is None:
                target.mkdir()
            else:
                shutil.copytree(source, target)
            if name in self.sharded:
                self._keep_shard(target)
            if self.manifest_files:
                manifest = [{"prefix": f"s3://bucket/{name}/"}]
                (base / "input/data" / f"{name}-manifest").write_text(json.dumps(manifest), encoding="utf-8")

    def _keep_shard(self, channel: Path) -> None:
        """Leave this host's share of a channel's files: of n hosts each gets every n-th, some perhaps none (T29)."""
        for number, file in enumerate(archive.files(channel)):
            if number % max(1, len(self.hosts)) != self.rank:
                file.unlink()

    def describe(self) -> str:
        """Return the job in a few lines, for a failure message."""
        files = {name: json.dumps(content) for name, content in self.config_files().items()}
        wanted = ("hyperparameters.json", "inputdataconfig.json", "resourceconfig.json")
        return "\n".join(f"{name} {files[name]}" for name in wanted)


def sample_processing(sample: Sample, processing: Processing) -> tuple[dict, dict[str, Path], list[str]]:
    """Return the sample's Processing job: its request, its inputs (below /opt/ml/processing), and its outputs.

    The sample's channels are the input `data`, the files of its folder processing/ the input `code`.
    """
    request = {
        "ProcessingJobArn": "arn:aws:sagemaker:eu-west-1:000000000000:processing-job/local-test",
        "ProcessingJobName": "local-test",
        "AppSpecification": {"ImageUri": "local-test", "ContainerEntrypoint": processing.entrypoint},
        "Environment": {},
    }
    inputs = {f"input/data/{name}": folder for name, folder in sample.channel_folders.items()}
    return request, inputs | {"input/code": sample.folder / "processing"}, ["output"]


def write_processing(base: Path, request: dict, inputs: dict[str, Path], outputs: Iterable[str]) -> None:
    """Write the tree that SageMaker has ready before a Processing job starts into `base` (PR3, PR4).

    `inputs` are folders to copy, by their names below /opt/ml/processing; `outputs` are names of folders to be there.
    """
    (base / "config").mkdir(parents=True)
    (base / "config/processingjobconfig.json").write_text(json.dumps(request), encoding="utf-8")
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"]}
    (base / "config/resourceconfig.json").write_text(json.dumps(hosts), encoding="utf-8")
    for name, folder in inputs.items():
        shutil.copytree(folder, base / "processing" / name)
    for name in outputs:
        (base / "processing" / name).mkdir(parents=True, exist_ok=True)
    (base / "output").mkdir()
