"""What a user can do: train, tune, deploy, invoke, transform, status, logs, delete."""

import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from botocore.exceptions import ClientError

from local_test.answers import same_answer
from local_test.sample import FOLDER, Sample, load

from . import data, follow, requests
from .aws import NAMED_AFTER, Aws
from .errors import CloudError
from .requests import Request
from .settings import Settings

PAYLOAD_MB, SERVERLESS_PAYLOAD_MB = 25, 4  # of a request (I13, I20)
SHOWN = 2000  # characters of a transform's answers
RUNNING = {
    "TrainingJob": "training-job",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
    "TransformJob": "transform-job",
}
LISTED = {"Endpoint": "endpoint", "EndpointConfig": "configuration", "Model": "model"}


@dataclass(frozen=True)
class Cloud:
    """What every action works with. `yes` answers questions; `detach` leaves work to itself once it is started."""

    project: Path
    settings: Settings
    aws: Aws
    yes: bool = False
    detach: bool = False

    @cached_property
    def sample(self) -> Sample:
        """The project's sample: channels and hyperparameters where the settings have none, metrics, requests."""
        return load(FOLDER)

    def new_name(self) -> str:
        """Return a name for a job, of at most 63 letters: the project's, the time, and four letters of chance."""
        return f"{self.aws.project[:43].rstrip('-')}-{datetime.now(UTC):%y%m%d-%H%M%S}-{secrets.token_hex(2)}"

    def sure(self, question: str) -> None:
        """Ask before something is spent or deleted. Raises CloudError where the answer is no, or nobody is there."""
        if self.yes or self.aws.local or self.aws.dry_run:
            return
        if not sys.stdin.isatty():
            raise CloudError(f"{question} Nobody is there to answer: say YES=1")
        if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
            raise CloudError("nothing was done")

    def last_job(self) -> str:
        """Return the project's newest training job that has ended well. Raises CloudError where there is none."""
        for job in self.aws.own("TrainingJob"):
            if job["TrainingJobStatus"] == "Completed":
                return job["TrainingJobName"]
        raise CloudError("no training job of this project has ended well yet; train first: make cloud-train")


def training_request(cloud: Cloud, name: str, resume: str = "") -> Request:
    """Return the request for a training job of the settings, its data uploaded."""
    train, aws = cloud.settings.train, cloud.aws
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
    hyperparameters = train.hyperparameters or cloud.sample.hyperparameters
    metrics = list(cloud.sample.metrics)
    return requests.training(cloud.settings, aws.place, name, channels, hyperparameters, metrics, resume)


def train(cloud: Cloud, name: str = "", resume: str = "") -> None:
    """Train, and say what came of it."""
    name = name or cloud.new_name()
    settings = cloud.settings.train
    request = training_request(cloud, name, resume)
    cloud.sure(
        f"{name} trains on {settings.instance_count} x {settings.instance_type} for at most {settings.max_hours:g} h."
    )
    cloud.aws.call("CreateTrainingJob", request)
    if cloud.aws.dry_run:
        return
    print(f"{name} was started; Ctrl-C leaves it to itself, `make cloud-logs NAME={name}` follows it again")
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


def tune(cloud: Cloud) -> None:
    """Search for the best hyperparameters, and print them as sagemaker.toml takes them."""
    settings, aws = cloud.settings.tune, cloud.aws
    if not settings.ranges or not settings.objective:
        names = [metric["Name"] for metric in cloud.sample.metrics]
        raise CloudError(
            f"set objective (one of {', '.join(names)}) and ranges under [tune] in sagemaker.toml, e.g. "
            "[tune.ranges] learning_rate = { min = 0.01, max = 0.3 }"
        )
    name = f"{aws.project[:NAMED_AFTER].rstrip('-')}-{datetime.now(UTC):%m%d%H%M%S}"  # at most 32 letters
    request = requests.tuning(cloud.settings, name, training_request(cloud, name))
    train = cloud.settings.train
    cloud.sure(
        f"{name} trains {settings.jobs} times on {train.instance_count} x {train.instance_type}, each for at most "
        f"{train.max_hours:g} h."
    )
    aws.call("CreateHyperParameterTuningJob", request)
    if aws.dry_run or cloud.detach:
        return
    key = {"HyperParameterTuningJobName": name}
    tuned = follow.until_ended(
        aws, "HyperParameterTuningJob", name, lambda: aws.api.describe_hyper_parameter_tuning_job(**key), log=False
    )
    jobs = aws.api.list_training_jobs_for_hyper_parameter_tuning_job(
        **key, SortBy="FinalObjectiveMetricValue", MaxResults=100
    )["TrainingJobSummaries"]
    for job in jobs:
        value = job.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value", float("nan"))
        print(f"{value:12g}  {job['TrainingJobName']}  {job['TunedHyperParameters']}")
    if "BestTrainingJob" not in tuned:
        raise CloudError(f"{name} ended without a best job: {tuned.get('FailureReason', tuned)}")
    print("best, to be put into sagemaker.toml:\n[train.hyperparameters]")
    for parameter, value in tuned["BestTrainingJob"]["TunedHyperParameters"].items():
        print(f"{parameter} = {value}")


def deploy(cloud: Cloud, name: str = "") -> None:
    """Deploy a training job's model, the last one's by default, and hold its answers against the sample's."""
    aws, settings = cloud.aws, cloud.settings.deploy
    job = name or ("JOB" if aws.dry_run else cloud.last_job())
    artifact = f"{aws.root}/jobs/{job}/output/model.tar.gz"
    if not aws.dry_run:
        described = aws.api.describe_training_job(TrainingJobName=job)
        artifact = described.get("ModelArtifacts", {}).get("S3ModelArtifacts")
        if not artifact:
            raise CloudError(f"{job} has no model: its status is {described['TrainingJobStatus']}")
    config, endpoint = f"{job[:54]}-{secrets.token_hex(4)}", aws.project
    size = settings.kind if settings.kind == "serverless" else f"{settings.instance_count} x {settings.instance_type}"
    cloud.sure(f"The endpoint {endpoint} ({size}) costs money until you delete it: make cloud-delete.")
    if aws.dry_run or not exists(aws.api.describe_model, ModelName=job):
        aws.call("CreateModel", requests.model(cloud.settings, aws.place, job, artifact))
    aws.call("CreateEndpointConfig", requests.endpoint_config(cloud.settings, aws.place, config, job))
    if not aws.dry_run and exists(aws.api.describe_endpoint, EndpointName=endpoint):
        aws.call("UpdateEndpoint", {"EndpointName": endpoint, "EndpointConfigName": config})
    else:
        aws.call("CreateEndpoint", requests.endpoint(aws.place, endpoint, config))
    if aws.dry_run or cloud.detach:
        return
    described = follow.until_ended(
        aws, "Endpoint", endpoint, lambda: aws.api.describe_endpoint(EndpointName=endpoint), log=False
    )
    if described["EndpointStatus"] != "InService" or described["EndpointConfigName"] != config:
        follow.Log(aws, "Endpoint", endpoint).show()
        raise CloudError(
            f"{endpoint} was not deployed: {described.get('FailureReason', described['EndpointStatus'])}. The log is "
            "above. `make local-test ARGS='-k I8'` shows on this machine why a server does not become healthy. "
            f"Left behind: the model {job} and the configuration {config}; make cloud-delete removes them"
        )
    if settings.kind == "async":
        print("an asynchronous endpoint answers by S3: invoke_endpoint_async")
    else:
        compare(cloud, endpoint)
    print("next: make cloud-invoke FILE=…, and when you are done: make cloud-delete")


def exists(describe, **name: str) -> bool:
    """Whether there is something of that name."""
    try:
        describe(**name)
    except ClientError as error:
        if "Could not find" in str(error):
            return False
        raise
    return True


def compare(cloud: Cloud, endpoint: str) -> None:
    """Send the sample's requests. Raises CloudError where an answer is not the sample's."""
    for request in cloud.sample.requests:
        answer = ask(cloud, endpoint, request.body, request.content_type, request.accept)
        if request.answer is not None and not same_answer(request.answer, answer, request.tolerance):
            raise CloudError(
                f"{endpoint} answers {answer[:200]!r} to {request.body[:200]!r}; sample.toml expects "
                f"{request.answer[:200]!r}. Was it trained on the sample's data?"
            )
        expected = "as sample.toml expects" if request.answer is not None else "answered"
        print(f"{request.content_type}: {expected}")


def ask(cloud: Cloud, endpoint: str, body: bytes, content_type: str, accept: str) -> bytes:
    """Return the endpoint's answer. Raises CloudError with the container's sentence where it has none."""
    limit = SERVERLESS_PAYLOAD_MB if cloud.settings.deploy.kind == "serverless" else PAYLOAD_MB
    if len(body) > limit << 20:
        raise CloudError(
            f"the request has {len(body) / 2**20:.1f} MB, and SageMaker takes {limit}: make cloud-transform"
        )
    runtime = cloud.aws.client("sagemaker-runtime")
    try:
        answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType=content_type, Accept=accept)
    except runtime.exceptions.ModelError as error:
        status, text = error.response["OriginalStatusCode"], error.response["OriginalMessage"]
        raise CloudError(f"the container answered with status {status}: {text}") from None
    return answer["Body"].read()


def invoke(cloud: Cloud, file: str = "", content_type: str = "", accept: str = "") -> None:
    """Send a file, or the sample's first request, to the endpoint, and print the answer."""
    first = cloud.sample.requests[0]
    body = Path(file).read_bytes() if file else first.body
    answer = ask(cloud, cloud.aws.project, body, content_type or first.content_type, accept or first.accept)
    sys.stdout.write(answer.decode("utf-8", "backslashreplace"))


def transform(cloud: Cloud, name: str = "") -> None:
    """Transform data, the sample's records by default, with a training job's model, the last one's by default."""
    aws, batch = cloud.aws, cloud.settings.batch
    job = name or ("JOB" if aws.dry_run else cloud.last_job())
    line = cloud.sample.line_request()
    if batch.data:
        uri = data.uri_of(aws, cloud.project, batch.data)
    elif line and line.content_type == batch.content_type:
        uri = data.put(aws, {"sample": line.body})
    else:
        raise CloudError("set data under [batch] in sagemaker.toml: an S3 URI, or a folder of the project")
    own = cloud.new_name()
    cloud.sure(f"{own} transforms {uri} on {batch.instance_count} x {batch.instance_type}.")
    if aws.dry_run or not exists(aws.api.describe_model, ModelName=job):
        artifact = f"{aws.root}/jobs/{job}/output/model.tar.gz"
        aws.call("CreateModel", requests.model(cloud.settings, aws.place, job, artifact))
    request = requests.transform(cloud.settings, aws.place, own, job, uri)
    aws.call("CreateTransformJob", request)
    if aws.dry_run or cloud.detach:
        return
    key = {"TransformJobName": own}
    ended = follow.until_ended(aws, "TransformJob", own, lambda: aws.api.describe_transform_job(**key))
    if ended["TransformJobStatus"] != "Completed":
        raise CloudError(f"{own}: {ended.get('FailureReason', ended['TransformJobStatus'])}")
    bucket, _, prefix = request["TransformOutput"]["S3OutputPath"].removeprefix("s3://").partition("/")
    for one in aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        print(f"s3://{bucket}/{one['Key']}")
        if one["Size"] < SHOWN:
            print(aws.s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode("utf-8", "backslashreplace"))


def status(cloud: Cloud) -> None:
    """Show what the project has on SageMaker, how old it is, and what ends it."""
    rows = list(things(cloud))
    for kind, name, state, since, ends in rows:
        hours = (datetime.now(UTC) - since).total_seconds() / 3600
        print(f"{kind:14} {name:64} {state:12} {hours:8.1f} h  {ends}")
    if not rows:
        print("this project has nothing on SageMaker")


def things(cloud: Cloud) -> Iterator[tuple[str, str, str, datetime, str]]:
    """Yield what the project has: kind, name, state, since when, and the command that ends it."""
    for kind, word in RUNNING.items():
        for one in cloud.aws.own(kind):
            name = one[f"{kind}Name"]
            if one[f"{kind}Status"] in follow.GOING:
                ends = f"aws sagemaker stop-{word} --{word}-name {name}"
                yield word, name, one[f"{kind}Status"], one["CreationTime"], ends
    for kind, word in LISTED.items():
        for one in cloud.aws.own(kind):
            state = one.get("EndpointStatus", "")
            yield word, one[f"{kind}Name"], state, one["CreationTime"], "make cloud-delete"


def logs(cloud: Cloud, name: str = "") -> None:
    """Follow a training job, the last one by default, or show the log of the endpoint."""
    if name == cloud.aws.project:
        follow.Log(cloud.aws, "Endpoint", name).show()
        return
    if not name:
        newest = next(cloud.aws.own("TrainingJob"), None)
        if newest is None:
            raise CloudError("this project has no training job yet; start one: make cloud-train")
        name = newest["TrainingJobName"]
    follow_training(cloud, name)


def delete(cloud: Cloud) -> None:
    """Delete the endpoint, its configurations and the models; data and artifacts in S3 stay."""
    aws = cloud.aws
    found = [(kind, one[f"{kind}Name"]) for kind in LISTED for one in aws.own(kind)]
    if not found:
        print("there is nothing to delete")
        return
    for kind, name in found:
        print(f"{LISTED[kind]:14} {name}")
    cloud.sure(f"These {len(found)} are deleted.")
    for kind, name in found:
        aws.call(f"Delete{kind}", {f"{kind}Name": name})
    waiter = aws.api.get_waiter("endpoint_deleted")
    for kind, name in found:
        if kind == "Endpoint":
            waiter.wait(EndpointName=name, WaiterConfig={"Delay": 1 if aws.local else 15})
    print("deleted")
