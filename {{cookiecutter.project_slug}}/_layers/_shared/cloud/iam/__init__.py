"""The policies of the actions, a file each; `make cloud-policy NAME=train` prints one filled in."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent
# The operations of S3 that are permitted under another name.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
PERMITTED_AS = {
    "HeadBucket": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadObject": "GetObject",
    "DeleteObjects": "DeleteObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}


def allowing(operation: str) -> list[str]:
    """Return the actions of cloud/ whose policies permit an operation of AWS's API, e.g. "HeadBucket"."""
    permitted = PERMITTED_AS.get(operation, operation)
    return [file.stem for file in sorted(FOLDER.glob("*.json")) if permitted in permissions(file.stem)]


def permissions(action: str) -> set[str]:
    """Return what a policy permits, without the services' names: {"PutObject", "CreateModel" …}."""
    statements = json.loads((FOLDER / f"{action}.json").read_text())["Statement"]
    return {permission.partition(":")[2] for statement in statements for permission in statement["Action"]}
