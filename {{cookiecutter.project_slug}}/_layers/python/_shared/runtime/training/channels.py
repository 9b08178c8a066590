"""Data channels: what the job calls `train`, `validation` … (contract T14, T24-T29)."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.data import tables
from runtime.errors import InputError, UserError


@dataclass(frozen=True)
class Channel:
    """One channel: a folder of files, read-only in FastFile mode (T26).

    `sharded` says that each host has other files of it (ShardedByS3Key, T29).
    """

    name: str
    path: Path
    content_type: str | None = None
    sharded: bool = False

    @property
    def files(self) -> list[Path]:
        """Every file of the channel, subfolders included, in order of the bytes of its path; hidden ones are left out.

        Raises UserError when there is none, which is also what a host gets when a sharded channel has fewer
        objects than the job has hosts (T29).
        """
        found = [
            file
            for file in self.path.rglob("*")
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(self.path).parts)
        ]
        if not found:
            raise UserError(
                f"channel '{self.name}' has no files in {self.path}: check the S3 prefix and, "
                "with ShardedByS3Key, that there are at least as many objects as hosts"
            )
        return sorted(found, key=os.fsencode)

    def tables(self, *, header: bool) -> Iterator["tables.Table"]:
        """Read every file as CSV, one table for each file.

        Raises InputError that names the file and line of what cannot be read.
        """
        for file in self.files:
            try:
                text = file.read_text(encoding="utf-8-sig")
            except UnicodeDecodeError as error:
                raise InputError(f"{self.name}/{file.name} is not UTF-8 text: {error}") from None
            yield tables.read_csv(text, header=header, source=f"{self.name}/{file.name}, ")


class Channels(dict[str, Channel]):
    """The job's channels by name; asking for one that the job does not have raises UserError.

    `train` is the usual name, but many jobs say `training`: that is given in its place, with a line in the log.
    """

    def __missing__(self, name: str) -> Channel:
        if name == "train" and "training" in self:
            print("channel 'train' is missing: reading 'training' in its place", flush=True)
            return self["training"]
        given = ", ".join(sorted(self)) or "none"
        raise UserError(f"channel '{name}' is missing: the job has {given}; add it to the job's InputDataConfig")


def from_config(config: Mapping[str, Any] | None, data: Path) -> Channels:
    """The channels of inputdataconfig.json, each a folder below `data`.

    Without that file (a container started by hand) every folder is a channel. Never otherwise, because SageMaker
    puts manifest files and more beside the channels (T25). Raises UserError for a channel without a folder and
    for Pipe mode.
    """
    if config is None:
        config = {folder.name: {} for folder in sorted(data.glob("*/"))} if data.is_dir() else {}
    channels = Channels()
    for name, options in config.items():
        if options.get("TrainingInputMode") == "Pipe":
            raise UserError(
                f"channel '{name}' is in Pipe mode, which this algorithm does not read: use File or FastFile"
            )
        folder = data / name
        if not folder.is_dir():
            raise UserError(f"channel '{name}' has no folder {folder}")
        sharded = options.get("S3DistributionType") == "ShardedByS3Key"
        channels[name] = Channel(name, folder, options.get("ContentType"), sharded)
    return channels


def require_whole(channels: Channels) -> None:
    """Raise UserError for a channel of which this host has only a part, where no other host takes part."""
    for name, channel in channels.items():
        if channel.sharded:
            raise UserError(
                f"channel '{name}' is ShardedByS3Key, but only one host trains: the other hosts' files would be left "
                "out; set S3DataDistributionType to FullyReplicated, or InstanceCount to 1"
            )
