"""Shows, follows and deletes what the project has on SageMaker."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from .. import cost, data, follow
from ..aws import Aws
from ..errors import CloudError
from ..session import Cloud
from .hosting import DAY, unscale
from .training import follow_training

JOBS = {"TrainingJob": "training job", "HyperParameterTuningJob": "tuning job", "TransformJob": "transform job"}
LISTED = {"Endpoint": "endpoint", "EndpointConfig": "configuration", "Model": "model"}
COMPONENTS = {"TrainingJob": "Training", "TransformJob": "BatchTransform", "Endpoint": "Hosting"}
MANY = 1000  # objects that S3 deletes with one call
MANY_IMAGES = 100  # that ECR does


@dataclass(frozen=True)
class Thing:
    """A resource of the project: its kind as the API has it, its name, its state, and the time of its creation."""

    kind: str
    name: str
    state: str
    since: datetime

    @property
    def words(self) -> str:
        """Its kind, for people."""
        return (JOBS | LISTED)[self.kind]


def things(aws: Aws) -> Iterator[Thing]:
    """Yield what the project has: jobs that run, endpoints, configurations, models."""
    for kind in JOBS | LISTED:
        for one in aws.own(kind):
            state = one.get(f"{kind}Status", "")
            if kind in LISTED or state in follow.GOING:
                yield Thing(kind, one[f"{kind}Name"], state, one["CreationTime"])


def status(cloud: Cloud) -> None:
    """Show what the project has on SageMaker, how old it is, what it costs a day, and what removes it."""
    rows = list(things(cloud.aws))
    for one in rows:
        hours = (datetime.now(UTC) - one.since).total_seconds() / 3600
        price, ends = daily(cloud.aws, one), f"make cloud-delete NAME={one.name}"
        print(f"{one.words:14} {one.name:50} {one.state:12} {hours:8.1f} h  {price:>16}  {ends}")
    if not rows:
        print("this project has nothing on SageMaker")


def daily(aws: Aws, thing: Thing) -> str:
    """Return what something costs a day; nothing for what costs nothing."""
    if aws.local or thing.kind not in COMPONENTS:
        return "" if thing.kind != "HyperParameterTuningJob" else "as its jobs"
    if thing.kind == "TrainingJob":
        resources = aws.api.describe_training_job(TrainingJobName=thing.name)["ResourceConfig"]
    elif thing.kind == "TransformJob":
        resources = aws.api.describe_transform_job(TransformJobName=thing.name)["TransformResources"]
    else:
        endpoint = aws.api.describe_endpoint(EndpointName=thing.name)
        config = aws.api.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        variant, running = config["ProductionVariants"][0], endpoint.get("ProductionVariants", [{}])[0]
        if "ServerlessConfig" in variant:
            return "per request"
        count = running.get("CurrentInstanceCount", variant["InitialInstanceCount"])
        resources = {"InstanceType": variant["InstanceType"], "InstanceCount": count}
    price = cost.hourly(aws, resources["InstanceType"], COMPONENTS[thing.kind])
    return "price unknown" if price is None else f"{price * resources['InstanceCount'] * DAY:.2f} USD a day"


def logs(cloud: Cloud, name: str = "") -> None:
    """Follow a training job, the last one by default, or show the log of the endpoint."""
    if name == cloud.aws.project:
        follow.log_of(cloud.aws, "Endpoint", name).show()
        return
    if not name:
        newest = next(cloud.aws.own("TrainingJob"), None)
        if newest is None:
            raise CloudError("this project has no training job yet; start one: make cloud-train")
        name = newest["TrainingJobName"]
    follow_training(cloud, name)


def delete(cloud: Cloud, name: str = "", data_too: bool = False) -> None:
    """Delete the endpoint, its configurations and the models, and stop what runs; or only what has this name.

    `data_too`: also what the project has in S3, and its images in ECR.
    """
    found = [one for one in things(cloud.aws) if name in ("", one.name)]
    stored = stored_by(cloud.aws) if data_too else []
    images = images_of(cloud.aws) if data_too and not cloud.aws.local else []
    if not found and not stored and not images:
        print(f"there is nothing called {name}" if name else "there is nothing to delete")
        return
    for one in found:
        print(f"{one.words:14} {one.name}")
    if stored:
        print(
            f"{'S3':14} {cloud.aws.root}/: {len(stored)} objects, {sum(one['Size'] for one in stored) / 2**20:.1f} MB"
        )
    for image in images:
        print(f"{'ECR':14} {cloud.aws.project} {', '.join(image.get('imageTags', ['without a tag']))}")
    cloud.sure(f"These {len(found) + len(stored) + len(images)} are deleted, and what runs is stopped. Delete?")
    for one in found:
        end(cloud, one)
    for one in found:
        if one.kind == "Endpoint":
            follow.until_deleted(cloud.aws, one.name)
    for start in range(0, len(stored), MANY):
        keys = [{"Key": one["Key"]} for one in stored[start : start + MANY]]
        cloud.aws.s3.delete_objects(Bucket=cloud.aws.bucket, Delete={"Objects": keys, "Quiet": True})
    for start in range(0, len(images), MANY_IMAGES):
        digests = [{"imageDigest": one["imageDigest"]} for one in images[start : start + MANY_IMAGES]]
        cloud.aws.client("ecr").batch_delete_image(repositoryName=cloud.aws.project, imageIds=digests)
    print("deleted")


def end(cloud: Cloud, thing: Thing) -> None:
    """Delete something; stop what runs."""
    if thing.kind == "Endpoint":
        unscale(cloud, thing.name)
    verb = "Stop" if thing.kind in JOBS else "Delete"
    cloud.aws.call(f"{verb}{thing.kind}", {f"{thing.kind}Name": thing.name})


def stored_by(aws: Aws) -> list[dict]:
    """Return what the project has in S3, as ListObjectsV2 describes it; nothing without a bucket."""
    try:
        return list(data.objects(aws, f"{aws.root}/"))
    except aws.s3.exceptions.NoSuchBucket:
        return []


def images_of(aws: Aws) -> list[dict]:
    """Return the images of the project's repository, as ECR describes them; none without a repository."""
    ecr = aws.client("ecr")
    try:
        pages = ecr.get_paginator("describe_images").paginate(repositoryName=aws.project)
        return [image for page in pages for image in page["imageDetails"]]
    except ecr.exceptions.RepositoryNotFoundException:
        return []
