"""AWS as the actions see it: an account, a region, and calls that are checked before they are sent."""

import copy
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

from . import local
from .declaration import LABEL, Declaration
from .errors import CloudError
from .image import Image
from .requests import Place, Request
from .service_model import problems
from .settings import Aws as Account

PROJECT, COMMIT = "sm-algo:project", "sm-algo:commit"  # the keys of the tags
NAMED_AFTER = 19  # letters of the project at the beginning of every name; names of tuning jobs have no room for more
NOBODY = "000000000000"  # the account of a dry run
PATIENCE = 60  # seconds


def use_local() -> None:
    """Send everything to `make local-sagemaker`: at AWS_ENDPOINT_URL, or at the usual port."""
    given = os.environ.get("AWS_ENDPOINT_URL", "")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    endpoint = given if given.startswith("http://127.0.0.1") else f"http://127.0.0.1:{local.PORT}"
    os.environ.update(local.CREDENTIALS | {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": local.REGION})


class Aws:
    """The clients of one account and region. A dry run prints the requests, and sends none."""

    def __init__(self, account: Account, project: str, commit: str, *, dry_run: bool, here: bool):
        self.account, self.project, self.commit, self.dry_run, self.local = account, project, commit, dry_run, here
        profile = account.profile if not here else ""
        self.session = boto3.Session(
            profile_name=(profile or None) if not dry_run else None, region_name=account.region or None
        )

    def rehearsal(self) -> "Aws":
        """Return the same account for a rehearsal: no request is sent, no data is uploaded."""
        same = copy.copy(self)
        same.dry_run = True
        return same

    @cached_property
    def region(self) -> str:
        """The region. Raises CloudError where none is set."""
        found = self.session.region_name
        if not found and not self.dry_run:
            raise CloudError("there is no AWS region; set region under [aws] in sagemaker.toml")
        return found or "REGION"

    def client(self, service: str, region: str = "") -> Any:
        """Return boto3's client of a service, in the account's region or another one."""
        return self.session.client(service, region_name=region or self.region)

    @cached_property
    def api(self) -> Any:
        """The client of SageMaker."""
        return self.client("sagemaker")

    @cached_property
    def s3(self) -> Any:
        """The client of S3."""
        return self.client("s3")

    @cached_property
    def identity(self) -> tuple[str, str]:
        """The partition and the number of the account that the credentials belong to."""
        if self.dry_run:
            return "aws", NOBODY
        arn = self.client("sts").get_caller_identity()["Arn"].split(":")
        return arn[1], arn[4]

    @property
    def bucket(self) -> str:
        """The name of the bucket for data and models."""
        if self.local:
            return local.NAME
        return self.account.bucket or f"sagemaker-{self.region}-{self.identity[1]}"

    def provide_bucket(self) -> None:
        """Make the bucket if it is the usual one and missing. Raises CloudError where it cannot be used."""
        if self.local:
            return
        try:
            self.s3.head_bucket(Bucket=self.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "404" or self.account.bucket:
                raise CloudError(
                    f"the bucket {self.bucket} cannot be used: {error}; look at bucket under [aws]"
                ) from None
            where = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
            with suppress(self.s3.exceptions.BucketAlreadyOwnedByYou):  # another command was quicker
                self.s3.create_bucket(Bucket=self.bucket, **({"CreateBucketConfiguration": where} if where else {}))

    @cached_property
    def root(self) -> str:
        """The S3 URI below which everything of the project lies."""
        return f"s3://{self.bucket}/{self.account.prefix.strip('/') or self.project}"

    @property
    def role(self) -> str:
        """The ARN of the role that SageMaker assumes. Raises CloudError where the settings have none."""
        name = local.NAME if self.local else self.account.role
        if not name:
            raise CloudError("SageMaker needs an IAM role: set role under [aws] in sagemaker.toml to its name")
        return self.role_arn(name)

    def role_arn(self, name: str) -> str:
        """Return the ARN of a role of the account by its name; an ARN as it is."""
        partition, number = self.identity
        return name if name.startswith("arn:") else f"arn:{partition}:iam::{number}:role/{name}"

    @cached_property
    def image(self) -> str:
        """The image: what the settings name, or what build_and_push.sh has pushed for the commit."""
        return self.account.image or self.pushed(self.commit)

    def pushed(self, tag: str) -> str:
        """Return the URI of the image that was pushed with a tag. Raises CloudError where there is none."""
        if self.local:
            return self.project
        if self.dry_run:
            return f"{NOBODY}.dkr.ecr.{self.region}.amazonaws.com/{self.project}:{tag}"
        ecr = self.client("ecr")
        try:
            (repository,) = ecr.describe_repositories(repositoryNames=[self.project])["repositories"]
            ecr.describe_images(repositoryName=self.project, imageIds=[{"imageTag": tag}])
        except ecr.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in ("RepositoryNotFoundException", "ImageNotFoundException"):
                raise
            raise CloudError(
                f"there is no image {self.project}:{tag} in ECR ({code}); push it: make cloud-push, or name another "
                "one: image under [aws] in sagemaker.toml"
            ) from None
        return f"{repository['repositoryUri']}:{tag}"

    @cached_property
    def in_ecr(self) -> Image:
        """The image as ECR has it."""
        return Image(self.client("ecr"), self.image)

    @property
    def platform(self) -> str | None:
        """The processor that the image is for, as "amd64"; None where that cannot be known."""
        try:
            return None if self.local or self.dry_run else self.in_ecr.config.get("architecture")
        except (ClientError, OSError):
            return None

    @cached_property
    def declared(self) -> Declaration | None:
        """What the image declares; None where it has no label of it, or that cannot be read."""
        try:
            text = self._label()
        except (ClientError, OSError, subprocess.TimeoutExpired):
            return None
        return Declaration.read(text) if text else None

    def _label(self) -> str | None:
        if self.local:
            name = urlencode({"image": self.project})
            with urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/local/declaration?{name}", timeout=PATIENCE) as answer:
                return answer.read().decode()
        if self.dry_run:  # that of `make build`
            command = ["docker", "image", "inspect", self.project]
            found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
            return (json.loads(found.stdout)[0]["Config"]["Labels"] or {}).get(LABEL) if not found.returncode else None
        return self.in_ecr.label(LABEL)

    @property
    def named_after(self) -> str:
        """The beginning of the names of all of the project's resources on SageMaker."""
        return self.project[:NAMED_AFTER].rstrip("-")

    @property
    def place(self) -> Place:
        """What requests need to know."""
        return Place(self.image, self.role, self.root, self.tags)

    @property
    def tags(self) -> list[Request]:
        """The tags by which the project finds its resources again, and the user's."""
        own = {PROJECT: self.project, COMMIT: self.commit}
        return [{"Key": key, "Value": value} for key, value in (own | self.account.tags).items()]

    def call(self, operation: str, request: Request, service: str = "sagemaker") -> Request:
        """Send a request, or print it in a dry run. Raises CloudError where it breaks AWS's limits."""
        if found := problems(operation, request, service):
            raise CloudError(f"AWS would refuse this {operation}: {'; '.join(found)}")
        if self.dry_run:
            command = xform_name(operation, "-")
            print(f"# aws {service} {command} --cli-input-json\n{json.dumps(request, indent=2)}")
            return {}
        client = self.api if service == "sagemaker" else self.client(service)
        return getattr(client, xform_name(operation))(**request)

    def own(self, kind: str) -> Iterator[Request]:
        """Yield the project's resources of a kind ("TrainingJob"), the newest first: summaries as List… has them."""
        pages = self.api.get_paginator(xform_name(f"List{kind}s")).paginate(
            NameContains=self.named_after, SortBy="CreationTime", SortOrder="Descending"
        )
        for page in pages:
            for one in next(value for value in page.values() if isinstance(value, list)):
                tags = self.api.list_tags(ResourceArn=one[f"{kind}Arn"])["Tags"]
                if {"Key": PROJECT, "Value": self.project} in tags:
                    yield one
