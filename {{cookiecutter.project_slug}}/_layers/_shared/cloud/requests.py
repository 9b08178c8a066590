"""AWS's requests, made of the settings: pure functions, without the network.

What SageMaker's API calls a thing is what it is called here; AWS's reference has every key.
"""

import json
from dataclasses import dataclass
from typing import Any

from .errors import CloudError
from .settings import FILE, Settings

Request = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """What requests need to know beside the settings: `role` is an ARN, `root` the S3 URI that all lies below.

    `tags` are those by which the project finds its things again.
    """

    image: str
    role: str
    root: str
    tags: dict[str, str]


def training(
    settings: Settings,
    place: Place,
    name: str,
    channels: list[Request],
    hyperparameters: dict[str, Any],
    metrics: list[Request],
    resume: str = "",
) -> Request:
    """Return the request for CreateTrainingJob; `resume` is a job whose checkpoints it takes up."""
    train, seconds = settings.train, round(settings.train.max_hours * 3600)
    request: Request = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": place.image,
            "TrainingInputMode": "File",
            "MetricDefinitions": metrics,
        },
        "RoleArn": place.role,
        "HyperParameters": {key: as_text(value) for key, value in hyperparameters.items()},
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": f"{place.root}/jobs", **_key(settings, "KmsKeyId")},
        "ResourceConfig": {
            "InstanceType": train.instance_type,
            "InstanceCount": train.instance_count,
            "VolumeSizeInGB": train.volume_gb,
            **_key(settings, "VolumeKmsKeyId"),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
        "EnableNetworkIsolation": train.isolated,
        "Tags": tags(place),
        **_network(settings),
    }
    if train.keep_alive_minutes:
        request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 60 * train.keep_alive_minutes
    if train.spot:
        request["EnableManagedSpotTraining"] = True
        request["StoppingCondition"]["MaxWaitTimeInSeconds"] = 2 * seconds
    if train.spot or resume:
        request["CheckpointConfig"] = {"S3Uri": f"{place.root}/checkpoints/{resume or name}"}
    return request


def channel(name: str, uri: str, *, mode: str = "File", content_type: str = "", sharded: bool = False) -> Request:
    """Return a channel of a training job whose data lies below an S3 URI."""
    distribution = "ShardedByS3Key" if sharded else "FullyReplicated"
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": distribution}
    request = {"ChannelName": name, "InputMode": mode, "DataSource": {"S3DataSource": source}}
    return request | ({"ContentType": content_type} if content_type else {})


def tuning(settings: Settings, name: str, job: Request) -> Request:
    """Return the request for CreateHyperParameterTuningJob, of the request for one of its training jobs."""
    tune = settings.tune
    static = {key: value for key, value in job["HyperParameters"].items() if key not in tune.ranges}
    kept = {key: value for key, value in job.items() if key not in ("TrainingJobName", "HyperParameters", "Tags")}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": tune.strategy,
            "HyperParameterTuningJobObjective": {"Type": tune.direction, "MetricName": tune.objective},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": tune.jobs, "MaxParallelTrainingJobs": tune.parallel},
            "ParameterRanges": ranges(tune.ranges),
        },
        "TrainingJobDefinition": {**kept, "StaticHyperParameters": static},
        "Tags": job["Tags"],
    }


def ranges(wanted: dict[str, dict[str, Any]]) -> Request:
    """Return ParameterRanges: values are categories, whole numbers as limits an integer, others a continuous range.

    Raises CloudError for a range without limits.
    """
    found: Request = {}
    for name, one in wanted.items():
        if "values" in one:
            values = [as_text(value) for value in one["values"]]
            found.setdefault("CategoricalParameterRanges", []).append({"Name": name, "Values": values})
            continue
        if missing := {"min", "max"} - one.keys():
            raise CloudError(f"{FILE}: tune.ranges.{name} has no {' and no '.join(sorted(missing))}; or give it values")
        kind = "Integer" if type(one["min"]) is type(one["max"]) is int else "Continuous"
        limits = {"MinValue": as_text(one["min"]), "MaxValue": as_text(one["max"])}
        scale = {"log": "Logarithmic", "reverse-log": "ReverseLogarithmic"}.get(one.get("scale", ""), "Auto")
        found.setdefault(f"{kind}ParameterRanges", []).append({"Name": name, **limits, "ScalingType": scale})
    return found


def model(settings: Settings, place: Place, name: str, data: str) -> Request:
    """Return the request for CreateModel; `data` is the S3 URI of model.tar.gz."""
    return {
        "ModelName": name,
        "ExecutionRoleArn": place.role,
        "PrimaryContainer": {"Image": place.image, "ModelDataUrl": data},
        "EnableNetworkIsolation": settings.train.isolated,
        "Tags": tags(place),
        **_network(settings),
    }


def endpoint_config(settings: Settings, place: Place, name: str, model_name: str) -> Request:
    """Return the request for CreateEndpointConfig."""
    deploy = settings.deploy
    variant: Request = {"VariantName": "AllTraffic", "ModelName": model_name}
    if deploy.kind == "serverless":
        variant["ServerlessConfig"] = {"MemorySizeInMB": deploy.memory_mb, "MaxConcurrency": deploy.concurrency}
    else:
        variant |= {"InstanceType": deploy.instance_type, "InitialInstanceCount": deploy.instance_count}
    request = {"EndpointConfigName": name, "ProductionVariants": [variant], "Tags": tags(place)}
    if deploy.kind == "async":
        output = {"S3OutputPath": deploy.async_output or f"{place.root}/async"}
        request["AsyncInferenceConfig"] = {"OutputConfig": output | _key(settings, "KmsKeyId")}
    elif deploy.kind == "realtime":
        request |= _key(settings, "KmsKeyId")
    return request


def endpoint(place: Place, name: str, config: str) -> Request:
    """Return the request for CreateEndpoint."""
    return {"EndpointName": name, "EndpointConfigName": config, "Tags": tags(place)}


def transform(settings: Settings, place: Place, name: str, model_name: str, data: str) -> Request:
    """Return the request for CreateTransformJob; `data` is the S3 URI of its input."""
    batch = settings.batch
    output = {
        "S3OutputPath": batch.output or f"{place.root}/transforms/{name}",
        "Accept": batch.accept,
        "AssembleWith": "Line" if batch.split == "Line" else "None",
        **_key(settings, "KmsKeyId"),
    }
    return {
        "TransformJobName": name,
        "ModelName": model_name,
        "BatchStrategy": batch.strategy,
        "MaxPayloadInMB": batch.payload_mb,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data}},
            "ContentType": batch.content_type,
            "SplitType": batch.split,
        },
        "TransformOutput": output,
        "TransformResources": {"InstanceType": batch.instance_type, "InstanceCount": batch.instance_count},
        "DataProcessing": {"JoinSource": "Input" if batch.join else "None"},
        "Tags": tags(place),
    }


def tags(place: Place) -> list[Request]:
    """Return tags as the API takes them."""
    return [{"Key": key, "Value": value} for key, value in place.tags.items()]


def as_text(value: Any) -> str:
    """Return a hyperparameter as SageMaker passes it on: JSON, but texts as they are (T13)."""
    return value if isinstance(value, str) else json.dumps(value)


def _key(settings: Settings, name: str) -> Request:
    return {name: settings.aws.kms_key} if settings.aws.kms_key else {}


def _network(settings: Settings) -> Request:
    """Return the VPC of containers, where the settings have one."""
    if not settings.aws.subnets:
        return {}
    return {"VpcConfig": {"Subnets": [*settings.aws.subnets], "SecurityGroupIds": [*settings.aws.security_groups]}}
