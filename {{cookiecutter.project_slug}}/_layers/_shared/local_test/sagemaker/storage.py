"""S3 and CloudWatch Logs, as SageMaker uses them for a job: channels and models in, artifacts and logs out."""

import json
import threading
import time
from contextlib import suppress
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from cloud.data import split

from .. import archive
from ..engines.base import Program
from .api import invalid

MODEL_FILE = "model.tar.gz"
MANY_EVENTS = 10_000  # the most that one call to CloudWatch takes


class NoData(Exception):
    """A job's data is not where the request says; the text is that of AWS."""


def relative(key: str, prefix: str) -> str:
    """Return the path of an object in the channel's folder; a prefix that ends within a name leaves the whole name."""
    rest = key.removeprefix(prefix)
    return (
        rest.lstrip("/") if rest.startswith("/") or prefix.endswith("/") or not prefix else key[prefix.rfind("/") + 1 :]
    )


class Storage:
    """S3 and CloudWatch Logs of one region, at an endpoint of this machine."""

    def __init__(self, endpoint: str, region: str):
        session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=region)
        self.region = region
        self.s3 = session.client("s3", endpoint_url=endpoint)
        self.logs = session.client("logs", endpoint_url=endpoint)

    def need_bucket(self, uri: str) -> None:
        """Raise Refusal unless the bucket of an S3 URI exists."""
        try:
            self.s3.head_bucket(Bucket=split(uri)[0])
        except ClientError:
            raise invalid(
                f"The bucket of {uri} does not exist. Please ensure that the bucket exists in the selected region "
                f"({self.region})."
            ) from None

    def keys(self, uri: str) -> list[str]:
        """Return the keys of the objects below an S3 URI, without those that only stand for folders."""
        bucket, prefix = split(uri)
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return [key for key in found if not key.endswith("/")]

    def exists(self, uri: str) -> bool:
        """Return whether there is an object at an S3 URI, or below it."""
        try:
            return bool(self.keys(uri))
        except ClientError:
            return False

    def read(self, uri: str) -> bytes:
        """Return an object."""
        bucket, key = split(uri)
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def write(self, uri: str, content: bytes) -> None:
        """Write an object."""
        bucket, key = split(uri)
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)

    def download(self, uri: str, folder: Path) -> int:
        """Copy the objects below an S3 URI into a folder; return how many there were."""
        bucket, prefix = split(uri)
        keys = self.keys(uri)
        for key in keys:
            self._fetch(bucket, key, folder, relative(key, prefix))
        return len(keys)

    def download_data(self, source: dict, folder: Path) -> Path:
        """Copy what an S3DataSource names into a folder, and return that: a prefix, or the files of a manifest (T29).

        Raises NoData.
        """
        uri = source["S3Uri"]
        try:
            if source.get("S3DataType", "S3Prefix") == "S3Prefix":
                found = self.download(uri, folder)
            else:
                found = self._download_listed(json.loads(self.read(uri)), folder)
        except (ClientError, ValueError, KeyError, TypeError, IndexError) as error:
            raise NoData(f"{uri}: {error}") from None
        if not found:
            bucket = split(uri)[0]
            raise NoData(
                f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
                f"exists in the selected region ({self.region}), that objects exist under that S3 prefix, and that the "
                f'role has "s3:ListBucket" permissions on bucket "{bucket}".'
            )
        return folder

    def _download_listed(self, manifest: list, folder: Path) -> int:
        bucket, prefix = split(manifest[0]["prefix"])
        for name in manifest[1:]:
            self._fetch(bucket, prefix + name, folder, name)
        return len(manifest) - 1

    def _fetch(self, bucket: str, key: str, folder: Path, name: str) -> None:
        if ".." in Path(name).parts:
            raise NoData(f"the key {key} leads out of the channel's folder")
        target = folder / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        self.s3.download_file(bucket, key, str(target))

    def upload(self, folder: Path, uri: str) -> None:
        """Copy the files of a folder below an S3 URI."""
        bucket, prefix = split(uri)
        for file in archive.files(folder):
            key = f"{prefix.rstrip('/')}/{file.relative_to(folder).as_posix()}".lstrip("/")
            self.s3.upload_file(str(file), bucket, key)

    def mirror(self, folder: Path, uri: str) -> None:
        """Make what is below an S3 URI equal to a folder (T34: deletions are synced, too)."""
        bucket, prefix = split(uri)
        kept = {f"{prefix.rstrip('/')}/{file.relative_to(folder).as_posix()}" for file in archive.files(folder)}
        self.upload(folder, uri)
        for key in self.keys(f"s3://{bucket}/{prefix.rstrip('/')}/"):
            if key not in kept:
                self.s3.delete_object(Bucket=bucket, Key=key)

    def upload_archive(self, folder: Path, uri: str) -> str:
        """Pack a folder as SageMaker packs a model, upload it as `uri`, and return that."""
        packed = folder.with_name(f"{folder.name}.tar.gz")
        archive.pack_model(folder, packed)
        self.s3.upload_file(str(packed), *split(uri))
        packed.unlink()
        return uri


class LogStream:
    """A stream of CloudWatch Logs to which each line of a program is copied once, by any thread."""

    def __init__(self, storage: Storage, group: str, name: str, program: Program):
        self.logs, self.program, self._copied, self._lock = storage.logs, program, 0, threading.Lock()
        self.where = {"logGroupName": group, "logStreamName": name}
        for call, arguments in (
            (self.logs.create_log_group, {"logGroupName": group}),
            (self.logs.create_log_stream, self.where),
        ):
            with suppress(self.logs.exceptions.ResourceAlreadyExistsException):
                call(**arguments)

    def copy(self) -> None:
        """Copy the lines that are new since the last call."""
        with self._lock:
            while lines := [line for _, line in self.program.log[self._copied : self._copied + MANY_EVENTS]]:
                now = int(time.time() * 1000)
                events = [{"timestamp": now, "message": line or " "} for line in lines]
                self.logs.put_log_events(**self.where, logEvents=events)
                self._copied += len(lines)

    def follow(self) -> None:
        """Copy the lines in the background until the program has ended."""

        def copy_all() -> None:
            while not self.program.wait(0.5):
                self.copy()
            self.copy()

        threading.Thread(target=copy_all, daemon=True).start()
