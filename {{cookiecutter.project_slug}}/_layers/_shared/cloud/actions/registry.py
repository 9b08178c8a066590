"""The image in ECR, and versions of the model in SageMaker's registry."""

import os
import subprocess
from dataclasses import replace

from .. import codebuild, requests
from ..errors import CloudError
from ..session import Cloud, exists


def push(cloud: Cloud, gpu: bool = False, on_codebuild: bool = False) -> None:
    """Build the image and push it, by build_and_push.sh: here, or by AWS CodeBuild from the commit."""
    aws = cloud.aws
    if aws.local:
        raise CloudError("local-sagemaker has no registry: make build makes its image")
    if on_codebuild:
        codebuild.build(cloud, gpu=gpu)
        return
    flags = [flag for flag, wanted in (("--gpu", gpu), ("--dry-run", aws.dry_run)) if wanted]
    command = ["./build_and_push.sh", "--region", aws.region, *flags]
    profile = {"AWS_PROFILE": aws.account.profile} if aws.account.profile else {}
    if subprocess.run(command, cwd=cloud.project, env=os.environ | profile, check=False).returncode:
        raise CloudError("the image was not pushed: the reason is above")


def register(cloud: Cloud, name: str = "") -> None:
    """Register a training job's model, the last one's by default: image by its digest, metrics, content types."""
    aws, settings = cloud.aws, cloud.settings.register
    job, group, declared = cloud.trained(name), settings.group or aws.project, aws.declared
    place = aws.place
    if not aws.dry_run and not aws.local:
        place = replace(place, image=aws.in_ecr.pinned)
    content_types = declared.content_types if declared else [one.content_type for one in cloud.sample.requests]
    accepts = declared.accepts if declared else [one.accept for one in cloud.sample.requests]
    request = requests.package(
        cloud.settings, place, group, job, list(dict.fromkeys(content_types)), list(dict.fromkeys(accepts))
    )
    if aws.dry_run or not exists(aws.api.describe_model_package_group, ModelPackageGroupName=group):
        aws.call("CreateModelPackageGroup", requests.package_group(cloud.settings, place, group))
    registered = aws.call("CreateModelPackage", request)
    if not aws.dry_run:
        print(f"registered: {registered['ModelPackageArn']} ({settings.approval})")
