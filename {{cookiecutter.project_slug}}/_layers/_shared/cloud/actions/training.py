"""Training jobs."""

from .. import cost, data, follow, requests
from ..errors import CloudError
from ..requests import Request
from ..session import Cloud


def training_request(cloud: Cloud, name: str, resume: str = "", tuned: frozenset[str] = frozenset()) -> Request:
    """Return the request for a training job of the settings, its data uploaded.

    `tuned` are the hyperparameters that a tuning job sets. Raises CloudError for what the algorithm would refuse.
    """
    train, aws, declared = cloud.settings.train, cloud.aws, cloud.aws.declared
    if aws.platform not in (None, "amd64"):
        raise CloudError(f"{aws.image} is for {aws.platform}, and SageMaker trains on amd64 only (E7): push another")
    hyperparameters = train.hyperparameters or cloud.sample.hyperparameters
    if declared:
        declared.check(hyperparameters | {name: None for name in tuned if name in declared.hyperparameters})
    if train.channels:
        wanted = {key: (one.data, one.mode, one.content_type, one.sharded) for key, one in train.channels.items()}
    else:
        wanted = {key: (f"sample/{key}", "File", kind, False) for key, kind in cloud.sample.channels.items()}
    channels = []
    for key, (source, mode, content_type, sharded) in wanted.items():
        if mode == "Pipe":
            raise CloudError(f"channel {key}: the runtime does not read Pipe mode yet; use File or FastFile")
        uri = data.uri_of(aws, cloud.project, source)
        channels.append(requests.channel(key, uri, mode=mode, content_type=content_type, sharded=sharded))
    metrics = declared.metrics if declared else list(cloud.sample.metrics)
    return requests.training(cloud.settings, aws.place, name, channels, hyperparameters, metrics, resume)


def price(cloud: Cloud, jobs: int = 1) -> str:
    """Return what training costs at most, as a part of a sentence."""
    train = cloud.settings.train
    return cost.words(cloud.aws, train.instance_type, train.instance_count, "Training", hours=train.max_hours * jobs)


def train(cloud: Cloud, name: str = "", resume: str = "") -> None:
    """Train, and print the result."""
    name = name or cloud.new_name()
    settings = cloud.settings.train
    request = training_request(cloud, name, resume)
    if not cloud.aws.dry_run:
        print(
            f"{name} trains on {settings.instance_count} x {settings.instance_type} for at most "
            f"{settings.max_hours:g} h: {price(cloud)}"
        )
    cloud.sure("Train?")
    cloud.aws.call("CreateTrainingJob", request)
    if cloud.aws.dry_run:
        return
    print(f"{name} was started; after Ctrl-C it goes on, and `make cloud-logs NAME={name}` follows it again")
    if not cloud.detach:
        follow_training(cloud, name)


def follow_training(cloud: Cloud, name: str) -> None:
    """Follow a training job to its end. Raises CloudError, with SageMaker's reason, if it fails."""
    job = follow.until_ended(
        cloud.aws, "TrainingJob", name, lambda: cloud.aws.api.describe_training_job(TrainingJobName=name)
    )
    if job["TrainingJobStatus"] == "Failed":
        raise CloudError(f"{name} failed: {job['FailureReason']}")
    for metric in job.get("FinalMetricDataList", []):
        print(f"{metric['MetricName']} = {metric['Value']:g}")
    trained, billed = job.get("TrainingTimeInSeconds", 0), job.get("BillableTimeInSeconds", 0)
    saved = f", {100 - 100 * billed / trained:.0f} % less than without spot" if trained > billed else ""
    print(f"billed for {billed} s{saved}")
    if job["TrainingJobStatus"] == "Completed":
        print(f"model: {job['ModelArtifacts']['S3ModelArtifacts']}")
        print("next: make cloud-deploy")
    else:
        left = job.get("ModelArtifacts", {}).get("S3ModelArtifacts", "no model")
        print(f"{name}: {job['TrainingJobStatus']} ({job['SecondaryStatus']}); it left {left}")
