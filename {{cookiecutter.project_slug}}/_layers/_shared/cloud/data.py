"""Folders of the project on their way to S3, each content once."""

import hashlib
from pathlib import Path

from .aws import Aws
from .errors import CloudError


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
    return put(aws, {file.relative_to(root).as_posix(): file.read_bytes() for file in files})


def put(aws: Aws, contents: dict[str, bytes]) -> str:
    """Upload files, by their names, below a key that follows from their content; return the S3 URI of all."""
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    uri = f"{aws.root}/data/{digest.hexdigest()[:16]}/"
    if aws.dry_run:
        return uri
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    there = aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    missing = contents.keys() - {one["Key"].removeprefix(prefix) for one in there}
    for name in sorted(missing):
        aws.s3.put_object(Bucket=bucket, Key=prefix + name, Body=contents[name])
    return uri
