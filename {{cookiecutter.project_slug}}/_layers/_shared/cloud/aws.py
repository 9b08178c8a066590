"""AWS as the actions see it: an account, a region, and calls that are checked before they are sent."""

import json
import os
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

from . import local
from .errors import CloudError
from .requests import Place, Request
from .service_model import problems
from .settings import Aws as Account

PROJECT, COMMIT = "sm-algo:project", "sm-algo:commit"  # the keys of the tags
NAMED_AFTER = 19  # letters of the project that every name begins with; those of tuning jobs have no room for more
NOBODY = "000000000000"  # the account of a dry run


def use_local() -> None:
    """Let all that follows speak with `make local-sagemaker`; AWS_ENDPOINT_URL says where, if not at the usual port."""
    given = os.environ.get("AWS_ENDPOINT_URL", "")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    endpoint = given if given.startswith("http://127.0.0.1") else f"http://127.0.0.1:{local.PORT}"
    os.environ.update(local.CREDENTIALS | {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "eu-west-1"})


class Aws:
    """The clients of one account and region. In a dry run nothing is sent: what would be is printed."""

    def __init__(self, account: Account, project: str, commit: str, *, dry_run: bool, here: bool):
        self.account, self.project, self.commit, self.dry_run, self.local = account, project, commit, dry_run, here
        profile = account.profile if not here else ""
        self.session = boto3.Session(
            profile_name=(profile or None) if not dry_run else None, region_name=account.region or None
        )

    @cached_property
    def region(self) -> str:
        """The region. Raises CloudError where nobody says which."""
        found = self.session.region_name
        if not found and not self.dry_run:
            raise CloudError("there is no AWS region; set region under [aws] in sagemaker.toml")
        return found or "REGION"

    def client(self, service: str) -> Any:
        """Return boto3's client of a service."""
        return self.session.client(service, region_name=self.region)

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

    @cached_property
    def bucket(self) -> str:
        """The bucket for data and models, which is made if it is the usual one and missing."""
        if self.local:
            return local.NAME
        name = self.account.bucket or f"sagemaker-{self.region}-{self.identity[1]}"
        if self.dry_run:
            return name
        try:
            self.s3.head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "404" or self.account.bucket:
                raise CloudError(f"the bucket {name} cannot be used: {error}; look at bucket under [aws]") from None
            where = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
            self.s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))
        return name

    @cached_property
    def root(self) -> str:
        """The S3 URI below which all of the project's lies."""
        return f"s3://{self.bucket}/{self.account.prefix.strip('/') or self.project}"

    @property
    def role(self) -> str:
        """The role's ARN. Raises CloudError where the settings have none."""
        name = local.NAME if self.local else self.account.role
        if not name:
            raise CloudError("SageMaker needs a role to work with: set role under [aws] in sagemaker.toml to its name")
        partition, number = self.identity
        return name if name.startswith("arn:") else f"arn:{partition}:iam::{number}:role/{name}"

    @cached_property
    def image(self) -> str:
        """The image: what the settings name, or what build_and_push.sh has pushed for the commit."""
        if self.local:
            return self.project
        if self.account.image:
            return self.account.image
        if self.dry_run:
            return f"{NOBODY}.dkr.ecr.{self.region}.amazonaws.com/{self.project}:{self.commit}"
        ecr = self.client("ecr")
        try:
            (repository,) = ecr.describe_repositories(repositoryNames=[self.project])["repositories"]
            ecr.describe_images(repositoryName=self.project, imageIds=[{"imageTag": self.commit}])
        except ClientError as error:
            raise CloudError(
                f"there is no image {self.project}:{self.commit} in ECR ({error.response['Error']['Code']}); push it: "
                "./build_and_push.sh, or name another one: image under [aws] in sagemaker.toml"
            ) from None
        return f"{repository['repositoryUri']}:{self.commit}"

    @property
    def place(self) -> Place:
        """What requests need to know."""
        own = {PROJECT: self.project, COMMIT: self.commit}
        return Place(self.image, self.role, self.root, own | self.account.tags)

    def call(self, operation: str, request: Request) -> Request:
        """Send a request to SageMaker, or print it in a dry run. Raises CloudError where it breaks AWS's limits."""
        if found := problems(operation, request):
            raise CloudError(f"SageMaker would refuse this {operation}: {'; '.join(found)}")
        if self.dry_run:
            command = re.sub(r"(?<!^)([A-Z])", r"-\1", operation).lower()
            print(f"# aws sagemaker {command} --cli-input-json\n{json.dumps(request, indent=2)}")
            return {}
        return getattr(self.api, re.sub(r"(?<!^)([A-Z])", r"_\1", operation).lower())(**request)

    def own(self, kind: str) -> Iterator[Request]:
        """Yield the project's resources of a kind ("TrainingJob"), the newest first: summaries as List… has them."""
        operation = re.sub(r"(?<!^)([A-Z])", r"_\1", f"List{kind}s").lower()
        pages = self.api.get_paginator(operation).paginate(
            NameContains=self.project[:NAMED_AFTER].rstrip("-"), SortBy="CreationTime", SortOrder="Descending"
        )
        for page in pages:
            for one in next(value for value in page.values() if isinstance(value, list)):
                tags = self.api.list_tags(ResourceArn=one[f"{kind}Arn"])["Tags"]
                if {"Key": PROJECT, "Value": self.project} in tags:
                    yield one
