"""S3: its URIs, and uploads of the project's folders, each content once."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from .aws import Aws
from .errors import CloudError


def split(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def objects(aws: Aws, uri: str) -> Iterator[dict]:
    """Yield what lies below an S3 URI, as ListObjectsV2 describes it."""
    bucket, prefix = split(uri)
    for page in aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Contents", [])


def uri_of(aws: Aws, project: Path, data: str) -> str:
    """Return the S3 URI of data: an S3 URI as it is; a file or folder of the project, uploaded.

    Raises CloudError where there is nothing.
    """
    if data.startswith("s3://"):
        return data
    source = project / data
    files = sorted(file for file in source.rglob("*") if file.is_file()) if source.is_dir() else [source]
    if not files or not files[0].is_file():
        raise CloudError(f"there is no data in {source}; give a folder of the project, or an S3 URI")
    root = source if source.is_dir() else source.parent
    return _put(aws, {file.relative_to(root).as_posix(): file for file in files})


def uri_of_bytes(aws: Aws, name: str, content: bytes) -> str:
    """Return the S3 URI below which an object with this content lies, uploaded."""
    return _put(aws, {name: content})


def _opened(content: Path | bytes) -> io.BytesIO | io.BufferedReader:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def _put(aws: Aws, contents: Mapping[str, Path | bytes]) -> str:
    """Upload files, by their names, below a key that follows from their content; return the S3 URI of all."""
    digest = hashlib.sha256()
    for name, content in contents.items():
        with _opened(content) as file:
            digest.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\0".encode())
    uri = f"{aws.root}/data/{digest.hexdigest()[:16]}/"
    if aws.dry_run:
        return uri
    aws.provide_bucket()
    bucket, prefix = split(uri)
    missing = contents.keys() - {one["Key"].removeprefix(prefix) for one in objects(aws, uri)}
    for name in sorted(missing):
        with _opened(contents[name]) as file:
            aws.s3.upload_fileobj(file, bucket, prefix + name)
    return uri
