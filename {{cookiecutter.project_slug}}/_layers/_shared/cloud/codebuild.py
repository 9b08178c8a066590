"""AWS CodeBuild builds and pushes the image, for users without Docker or with a slow connection."""

import subprocess

from .errors import CloudError
from .follow import until_built
from .image import Image
from .session import Cloud

# The same script as here. The sources come without git, so that the tag is given.
BUILDSPEC = """version: 0.2
phases:
  build:
    commands:
      - ./build_and_push.sh --region "$AWS_DEFAULT_REGION" --tag "$TAG" $FLAGS "$REPOSITORY"
"""
ENVIRONMENT = {
    "type": "LINUX_CONTAINER",
    "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    "computeType": "BUILD_GENERAL1_MEDIUM",
    "privilegedMode": True,  # Docker runs in it
}


def build(cloud: Cloud, *, gpu: bool) -> None:
    """Build the commit's image with CodeBuild, and follow it. Raises CloudError where it fails, or cannot start."""
    aws, name = cloud.aws, f"{cloud.aws.project}-image"
    if not aws.account.build_role:
        raise CloudError("CodeBuild needs an IAM role: set build_role under [aws] in sagemaker.toml")
    place = f"{aws.root.removeprefix('s3://')}/source/{aws.commit}.zip"
    variables = {"TAG": aws.commit, "FLAGS": "--gpu" if gpu else "", "REPOSITORY": aws.project}
    source = {"type": "S3", "location": place, "buildspec": BUILDSPEC}
    project = {
        "name": name,
        "source": source,
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": ENVIRONMENT,
        "serviceRole": aws.role_arn(aws.account.build_role),
        "tags": [{key.lower(): value for key, value in tag.items()} for tag in aws.tags],
    }
    started = {
        "projectName": name,
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": place,
        "buildspecOverride": BUILDSPEC,
        "environmentVariablesOverride": [
            {"name": key, "value": value, "type": "PLAINTEXT"} for key, value in variables.items()
        ],
    }
    archive = b"" if aws.dry_run else sources(cloud)
    cloud.sure(f"CodeBuild builds {aws.project}:{aws.commit}, and is billed by the minute. Build?")
    if not aws.dry_run:
        aws.provide_bucket()
        bucket, _, key = place.partition("/")
        aws.s3.put_object(Bucket=bucket, Key=key, Body=archive)
    if aws.dry_run or not aws.client("codebuild").batch_get_projects(names=[name])["projects"]:
        aws.call("CreateProject", project, "codebuild")
    answer = aws.call("StartBuild", started, "codebuild")
    if aws.dry_run or cloud.detach:
        return
    ended = until_built(aws, answer["build"]["id"])
    if ended["buildStatus"] != "SUCCEEDED":
        raise CloudError(f"the build ended as {ended['buildStatus']}; its log is above")
    tag = aws.commit + ("-gpu" if gpu else "")
    print(Image(aws.client("ecr"), aws.pushed(tag)).pinned)


def sources(cloud: Cloud) -> bytes:
    """Return the commit as a zip. Raises CloudError without a commit."""
    command = ["git", "archive", "--format=zip", "HEAD"]
    try:
        made = subprocess.run(command, cwd=cloud.project, capture_output=True, check=False)
    except FileNotFoundError:
        raise CloudError("git is not installed, and CodeBuild builds a commit") from None
    if made.returncode:
        raise CloudError(f"CodeBuild builds a commit, and there is none: {made.stderr.decode().strip()}")
    return made.stdout
