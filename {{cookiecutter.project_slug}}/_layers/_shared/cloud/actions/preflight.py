"""Checks what the actions need, before one of them costs time or money."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from local_test.doctor import SIGNS, Finding, hint
from local_test.errors import SetupError

from .. import requests
from ..errors import CloudError, sentence
from ..image import SCHEMA_2
from ..service_model import problems
from ..session import Cloud
from .batch import records
from .training import price, training_request
from .tuning import tuning_request

SAGEMAKER = "sagemaker.amazonaws.com"
# What a role needs at least; an organisation's other policies may say otherwise, so that this is only a hint.
OF_THE_ROLE = ["s3:GetObject", "s3:PutObject", "ecr:BatchGetImage", "logs:PutLogEvents"]


def check(cloud: Cloud) -> None:
    """Look at all that the actions need. Raises CloudError if something is wrong."""
    wrong = 0
    for look in (account, role, bucket, image, quotas, prices, made):
        for finding in told(look(cloud)):
            wrong += finding.ok is False
            print(f"{SIGNS[finding.ok]} {finding.text}", flush=True)
        if look is account and wrong:
            break  # nothing else can be asked
    if wrong:
        raise CloudError(f"{wrong} wrong")
    print("\nNothing wrong was found.", file=sys.stderr)


def told(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield findings; what cannot be read is one, too, and is not wrong where only the permission is missing."""
    try:
        yield from findings
    except (ClientError, BotoCoreError) as error:
        yield Finding(None if "AccessDenied" in str(error) else False, sentence(error))
    except (CloudError, SetupError) as error:
        yield Finding(False, str(error))


def account(cloud: Cloud) -> Iterator[Finding]:
    """Look at credentials and region."""
    partition, number = cloud.aws.identity
    yield Finding(True, f"the credentials are of the account {number} ({partition}), the region is {cloud.aws.region}")


def role(cloud: Cloud) -> Iterator[Finding]:
    """Look at the role: that it exists, that SageMaker is trusted, and what a simulation says that it may do."""
    arn, iam = cloud.aws.role, cloud.aws.client("iam")
    if cloud.aws.local:
        yield Finding(True, f"the role is {arn}; local-sagemaker asks for no permissions")
        return
    document = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
    trusted = SAGEMAKER in json.dumps(document)
    lacks = f"; its trust policy must allow sts:AssumeRole to {SAGEMAKER}"
    yield Finding(trusted, f"SageMaker may take the role {arn}" if trusted else f"SageMaker may not take {arn}{lacks}")
    results = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=OF_THE_ROLE)["EvaluationResults"]
    denied = [one["EvalActionName"] for one in results if one["EvalDecision"] != "allowed"]
    yield hint(
        not denied,
        "a simulation says that the role may read, write, pull and log",
        f"a simulation says that the role may not: {', '.join(denied)} (it does not know every policy)",
    )


def bucket(cloud: Cloud) -> Iterator[Finding]:
    """Look at the bucket: that it exists, in the right region."""
    name, region = cloud.aws.bucket, cloud.aws.region
    try:
        where = cloud.aws.s3.head_bucket(Bucket=name).get("BucketRegion", region)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        usual = code == "404" and not cloud.aws.account.bucket
        text = f"the first job makes the bucket {name}" if usual else f"the bucket {name} cannot be used ({code})"
        yield Finding(None if usual else False, text)
        return
    right = where == region
    yield Finding(
        right, f"the bucket {name} is in {where}" + ("" if right else f", and jobs in {region} cannot read it")
    )


def image(cloud: Cloud) -> Iterator[Finding]:
    """Look at the image: that it exists, that SageMaker takes its format and platform (E5, E7), what it declares."""
    if not cloud.aws.local:
        found = cloud.aws.in_ecr
        kind = found.details.get("imageManifestMediaType", SCHEMA_2)
        yield Finding(
            kind == SCHEMA_2,
            f"the image {found.pinned} exists"
            if kind == SCHEMA_2
            else f"SageMaker refuses {found.uri}: its manifest is {kind}; push it with build_and_push.sh (E5)",
        )
        platform = cloud.aws.platform
        if platform:
            yield hint(platform == "amd64", "it is for amd64", f"it is for {platform}: no training")
    declared = cloud.aws.declared
    yield hint(
        declared is not None,
        f"it declares {', '.join(declared.hyperparameters if declared else ()) or 'no hyperparameters'}",
        "it has no label that declares hyperparameters: they are not checked before a job",
    )


def quotas(cloud: Cloud) -> Iterator[Finding]:
    """Look at the account's quotas for the instances, by their names."""
    if cloud.aws.local:
        return
    settings = cloud.settings
    spot = "spot " if settings.train.spot else ""
    wanted = {f"{settings.train.instance_type} for {spot}training job usage": settings.train.instance_count}
    wanted[f"{settings.batch.instance_type} for transform job usage"] = settings.batch.instance_count
    if settings.deploy.kind != "serverless":
        count = max(settings.deploy.instance_count, settings.deploy.scale.max)
        wanted[f"{settings.deploy.instance_type} for endpoint usage"] = count
    pages = cloud.aws.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    given = {one["QuotaName"]: one["Value"] for page in pages for one in page["Quotas"]}
    for name, count in wanted.items():
        if name not in given:
            yield Finding(None, f"quota '{name}': Service Quotas does not know it")
        elif given[name] < count:
            yield Finding(False, f"quota '{name}' is {given[name]:g}, and {count} needed: ask Service Quotas for more")
        else:
            yield Finding(True, f"quota '{name}' is {given[name]:g}")


def prices(cloud: Cloud) -> Iterator[Finding]:
    """Say what a training costs."""
    yield Finding(None, f"a training: {price(cloud)}")


def made(cloud: Cloud) -> Iterator[Finding]:
    """Make every request, and check it against AWS's limits; none is sent."""
    settings, aws, name = cloud.settings, cloud.aws.rehearsal(), cloud.new_name()
    rehearsal = replace(cloud, aws=aws)
    made_by: dict[str, Callable[[], requests.Request]] = {
        "CreateTrainingJob": partial(training_request, rehearsal, name),
        "CreateEndpointConfig": lambda: requests.endpoint_config(settings, aws.place, name, name),
        "CreateTransformJob": lambda: requests.transform(settings, aws.place, name, name, records(rehearsal)),
    }
    if settings.tune.ranges:
        made_by["CreateHyperParameterTuningJob"] = partial(tuning_request, rehearsal, cloud.new_tuning_name())
    for operation, make in made_by.items():
        try:
            found = problems(operation, make())
        except (CloudError, SetupError) as error:
            found = [str(error)]
        yield Finding(not found, f"{operation}: {'; '.join(found) or 'AWS would take the request'}")
