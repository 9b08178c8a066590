"""Data channels, such as `train` and `validation` (contract T14, T24-T29)."""

import gzip
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runtime.data.tables import CsvTable, Features, Table, assembled, joined, require_kinds
from runtime.errors import InputError, UserError

if TYPE_CHECKING:
    from runtime.data.parquet import ParquetTable


@dataclass(frozen=True)
class Channel:
    """One channel: a folder of files, read-only in FastFile mode (T26).

    `sharded` says that each host has different files (ShardedByS3Key, T29).
    """

    name: str
    path: Path
    content_type: str | None = None
    sharded: bool = False

    @cached_property
    def files(self) -> list[Path]:
        """Every file with data, subfolders included, in order of the bytes of its path (rule 11 of grammar.md).

        Raises UserError when there is none, which is also what a host gets when a sharded channel has fewer
        objects than the job has hosts (T29).
        """
        found = [file for file in self.path.rglob("*") if file.is_file() and not self._passed_over(file)]
        if not found:
            raise UserError(
                f"channel '{self.name}' has no files in {self.path}: check the S3 prefix and, "
                "with ShardedByS3Key, that there are at least as many objects as hosts"
            )
        return sorted(found, key=os.fsencode)

    def tables(self, *, header: bool) -> Iterator["CsvTable | ParquetTable"]:
        """Read every file as CSV, or as Parquet where its name ends so, one table for each file with rows.

        Raises InputError that names the file and the line that cannot be read, or the file that does not fit the first.
        """
        first = None
        for file in self.files:
            name = self._shown(file)
            table = open_table(file, f"{name}, ", header)
            if not table.has_rows():
                log(f"skipped {name}: it has no rows")
                continue
            first = first or (name, table)
            expect_alike(*first, name, table)
            yield table
        if first is None:
            raise UserError(f"channel '{self.name}' has no file with rows in {self.path}")

    def matrix(self, features: Features | None = None) -> Any:
        """Return all files as one, as `tables.matrix` does; they have a header where `features` name columns.

        Raises InputError as `tables` does, and for what does not fit, UserError for a kind of column that there is not.
        """
        require_kinds(features or {})
        found = list(self.tables(header=features is not None))
        if features is None:
            return joined([table.numbers() for table in found])
        columns = zip(*(table.columns(features) for table in found), strict=True)
        return assembled([joined(list(parts)) for parts in columns], features)

    def chunks(self, features: Features | None = None) -> Iterator[Any]:
        """Yield what `matrix` returns, some megabytes of the files at a time, for data larger than the memory."""
        require_kinds(features or {})
        for table in self.tables(header=features is not None):
            yield from table.chunks(features)

    def column(self, name: str, kind: type = str) -> np.ndarray:
        """Return one column of all files, which have a header: texts, or with `float` numbers. See `Table.column`."""
        return np.concatenate([table.column(name, kind) for table in self.tables(header=True)])

    def _passed_over(self, file: Path) -> bool:
        """Return whether a file is not data but a mark of Spark, Hadoop or an operating system; log if so."""
        parts = file.relative_to(self.path).parts
        if any(part.startswith((".", "_")) or part.endswith("_$folder$") for part in parts):
            reason = "a name that begins with '_' or '.' or ends with '_$folder$' is no data"
        elif file.stat().st_size == 0:
            reason = "it is empty"
        else:
            return False
        log(f"skipped {self._shown(file)}: {reason}")
        return True

    def _shown(self, file: Path) -> str:
        return f"{self.name}/{file.relative_to(self.path)}".encode("utf-8", "backslashreplace").decode()


def open_table(file: Path, source: str, header: bool) -> "CsvTable | ParquetTable":
    """Return a file as a table. Raises InputError for a first row, or a Parquet file, that cannot be read."""
    if file.suffix == ".parquet":
        from runtime.data.parquet import ParquetTable

        return ParquetTable(file, source)
    return CsvTable(partial(open_bytes, file), lambda _: header, source=source)


def open_bytes(file: Path) -> BufferedIOBase:
    """Open a file of a channel to read its bytes, unpacked where it is gzip."""
    return gzip.open(file) if file.suffix == ".gz" else file.open("rb")


def expect_alike(first_name: str, first: Table, name: str, table: Table) -> None:
    """Raise InputError for a file whose columns are not those of the first."""
    if table.width != first.width:
        raise InputError(f"{name} has {table.width} columns, {first_name} has {first.width}")
    if table.names != first.names:
        columns, others = (", ".join(one.names or ["no names"]) for one in (table, first))
        raise InputError(f"{name} has the columns {columns}, {first_name} has {others}")


def log(line: str) -> None:
    """Print a line to the job's log."""
    print(line, flush=True)


class Channels(dict[str, Channel]):
    """The job's channels by name; a channel that the job does not have raises UserError.

    `train` is the usual name, but many jobs say `training`, which is returned instead, with a line in the log.
    """

    def __missing__(self, name: str) -> Channel:
        """Return the channel `training` for `train`. Raises UserError for all other names."""
        if name == "train" and "training" in self:
            print("channel 'train' is missing: reading 'training' instead", flush=True)
            return self["training"]
        given = ", ".join(sorted(self)) or "none"
        raise UserError(f"channel '{name}' is missing: the job has {given}; add it to the job's InputDataConfig")


def from_config(config: Mapping[str, Any] | None, data: Path) -> Channels:
    """Return the channels of inputdataconfig.json, each a folder below `data`.

    Without that file (not on SageMaker) every folder is a channel. Only then, because SageMaker puts manifest files and
    more beside the channels (T25). Raises UserError for a channel without a folder and for Pipe mode.
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
    """Raise UserError for a sharded channel, whose other parts no other host trains on."""
    for name, channel in channels.items():
        if channel.sharded:
            raise UserError(
                f"channel '{name}' is ShardedByS3Key, but only one host trains: the other hosts' files would be left "
                "out; set S3DataDistributionType to FullyReplicated, or InstanceCount to 1"
            )
