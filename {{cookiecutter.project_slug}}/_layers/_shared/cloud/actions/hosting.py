"""Endpoints."""

import secrets
import sys
from pathlib import Path

from local_test.answers import same_answer
from local_test.contract import MEGABYTE, PAYLOAD, SERVERLESS_PAYLOAD

from .. import cost, explain, follow, requests
from ..errors import CloudError
from ..requests import Request
from ..session import Cloud, exists

DAY = 24.0  # hours
# An asynchronous endpoint waits an hour for an answer (I19), and so must the server: its own limit is a minute.
ASYNC = {"SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "3600"}


def provide_model(cloud: Cloud, job: Request, environment: dict[str, str] | None = None) -> str:
    """Make the model of a training job, unless it exists; return its name."""
    name = f"{job['TrainingJobName'][:57]}-async" if environment else job["TrainingJobName"]
    if cloud.aws.dry_run or not exists(cloud.aws.api.describe_model, ModelName=name):
        artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
        request = requests.model(cloud.settings, cloud.aws.place, name, artifact, environment)
        cloud.aws.call("CreateModel", request)
    return name


def deploy(cloud: Cloud, name: str = "") -> None:
    """Deploy a training job's model, the last one's by default, and compare its answers with the sample's."""
    aws, settings, endpoint = cloud.aws, cloud.settings.deploy, cloud.aws.project
    job = cloud.trained(name)
    config = f"{job['TrainingJobName'][:54]}-{secrets.token_hex(4)}"
    if not aws.dry_run:
        print(f"The endpoint {endpoint} ({size(cloud)}) runs until make cloud-delete: {price(cloud)}")
    cloud.sure("Deploy?")
    model = provide_model(cloud, job, ASYNC if settings.kind == "async" else None)
    aws.call("CreateEndpointConfig", requests.endpoint_config(cloud.settings, aws.place, config, model))
    if may_be_updated(cloud, endpoint):
        unscale(cloud, endpoint)  # an endpoint whose instances follow the requests cannot be updated
        aws.call("UpdateEndpoint", {"EndpointName": endpoint, "EndpointConfigName": config})
    else:
        aws.call("CreateEndpoint", requests.endpoint(aws.place, endpoint, config))
    if not aws.dry_run and (not cloud.detach or settings.scale.max):
        await_endpoint(cloud, endpoint, config)
    for operation, request in requests.scaling(cloud.settings, endpoint):
        aws.call(operation, request, "application-autoscaling")
    if aws.dry_run or cloud.detach:
        return
    if settings.kind == "async":
        print("an asynchronous endpoint answers in S3: invoke_endpoint_async")
    else:
        compare(cloud, endpoint)
    print("next: make cloud-invoke FILE=…, and when you are done: make cloud-delete")


def may_be_updated(cloud: Cloud, endpoint: str) -> bool:
    """Return whether there is an endpoint to update. One that has failed is deleted: it can only be made again."""
    api = cloud.aws.api
    if cloud.aws.dry_run or not exists(api.describe_endpoint, EndpointName=endpoint):
        return False
    if api.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] != "Failed":
        return True
    cloud.aws.call("DeleteEndpoint", {"EndpointName": endpoint})
    follow.until_deleted(cloud.aws, endpoint)
    return False


def size(cloud: Cloud) -> str:
    """Return what the endpoint runs on."""
    settings = cloud.settings.deploy
    if settings.kind == "serverless":
        return "serverless"
    return f"{max(settings.instance_count, settings.scale.max)} x {settings.instance_type}"


def price(cloud: Cloud) -> str:
    """Return what the endpoint costs a day, as a part of a sentence."""
    settings = cloud.settings.deploy
    if settings.kind == "serverless":
        return "it is billed per request"
    count = max(settings.instance_count, settings.scale.max)
    return cost.words(cloud.aws, settings.instance_type, count, "Hosting", hours=DAY, time="a day")


def await_endpoint(cloud: Cloud, endpoint: str, config: str) -> None:
    """Wait until the endpoint has this configuration. Raises CloudError, with the likely causes, if it gets none."""
    described = follow.until_ended(
        cloud.aws, "Endpoint", endpoint, lambda: cloud.aws.api.describe_endpoint(EndpointName=endpoint), log=False
    )
    if described["EndpointStatus"] != "InService" or described["EndpointConfigName"] != config:
        follow.log_of(cloud.aws, "Endpoint", endpoint).show()
        reason = described.get("FailureReason") or described["EndpointStatus"]
        raise CloudError(
            f"{endpoint} was not deployed: {reason} Its log is above. Likely causes:\n"
            f"{explain.causes(reason)}\n"
            f"The configuration {config} and its model still exist; make cloud-delete removes them"
        )


def unscale(cloud: Cloud, endpoint: str) -> None:
    """Stop scaling the endpoint's instances with the requests, if that was set up."""
    scaling, target = cloud.aws.client("application-autoscaling"), requests.scalable(endpoint)
    found = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[target["ResourceId"]])
    if found["ScalableTargets"]:
        scaling.deregister_scalable_target(**target)


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
    """Return the endpoint's answer. Raises CloudError with the container's message for an error."""
    limit = SERVERLESS_PAYLOAD if cloud.settings.deploy.kind == "serverless" else PAYLOAD
    if len(body) > limit:
        raise CloudError(
            f"the request has {len(body) / MEGABYTE:.1f} MB, and SageMaker takes {limit // MEGABYTE} MB: use make "
            "cloud-transform"
        )
    runtime = cloud.aws.client("sagemaker-runtime")
    try:
        answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType=content_type, Accept=accept)
    except runtime.exceptions.ModelError as error:
        status, text = error.response["OriginalStatusCode"], error.response["OriginalMessage"]
        raise CloudError(f"the container answered with status {status}: {text}") from None
    return answer["Body"].read()


def invoke(cloud: Cloud, file: str = "", content_type: str = "", accept: str = "", output: str = "") -> None:
    """Send a file, or the sample's first request, to the endpoint; print the answer, or write it into a file."""
    request = cloud.sample.request(file, content_type, accept)
    answer = ask(cloud, cloud.aws.project, request.body, request.content_type, request.accept)
    if output:
        Path(output).write_bytes(answer)
    else:
        sys.stdout.write(answer.decode("utf-8", "backslashreplace"))
