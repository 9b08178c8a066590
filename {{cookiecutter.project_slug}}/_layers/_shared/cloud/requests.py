"""AWS's requests, made of the settings: pure functions, without the network.

Names are those of SageMaker's API; AWS's reference has every key.
"""

from dataclasses import dataclass
from typing import Any

from .declaration import Declaration, as_text
from .errors import CloudError
from .settings import FILE, Settings

Request = dict[str, Any]
VARIANT = "AllTraffic"


@dataclass(frozen=True)
class Place:
    """What requests need besides the settings: `role` is an ARN, `root` the S3 URI that everything lies below.

    `tags` are those by which the project finds its resources again, as the API takes them.
    """

    image: str
    role: str
    root: str
    tags: list[Request]


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
        "Tags": place.tags,
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


def tuning(settings: Settings, name: str, job: Request, declared: Declaration | None = None) -> Request:
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
            "ParameterRanges": ranges(tune.ranges, declared),
        },
        "TrainingJobDefinition": {**kept, "StaticHyperParameters": static},
        "Tags": job["Tags"],
    }


def ranges(wanted: dict[str, dict[str, Any]], declared: Declaration | None = None) -> Request:
    """Return ParameterRanges: values are categories, limits a range of the type that the image declares.

    Without a declaration whole numbers are the limits of an integer. Raises CloudError for a range without limits, or
    one that contradicts the declaration.
    """
    found: Request = {}
    for name, one in wanted.items():
        kind = "Integer" if type(one.get("min")) is type(one.get("max")) is int else "Continuous"
        if declared:
            kind = declared.tunable(name, one)
        if "values" in one:
            values = [as_text(value) for value in one["values"]]
            found.setdefault("CategoricalParameterRanges", []).append({"Name": name, "Values": values})
            continue
        if missing := {"min", "max"} - one.keys():
            raise CloudError(f"{FILE}: tune.ranges.{name} has no {' and no '.join(sorted(missing))}; or give it values")
        limits = {"MinValue": as_text(one["min"]), "MaxValue": as_text(one["max"])}
        scale = {"log": "Logarithmic", "reverse-log": "ReverseLogarithmic"}.get(one.get("scale", ""), "Auto")
        found.setdefault(f"{kind}ParameterRanges", []).append({"Name": name, **limits, "ScalingType": scale})
    return found


def model(settings: Settings, place: Place, name: str, data: str, environment: dict[str, str] | None = None) -> Request:
    """Return the request for CreateModel; `data` is the S3 URI of model.tar.gz."""
    variables = {"Environment": environment} if environment else {}
    return {
        "ModelName": name,
        "ExecutionRoleArn": place.role,
        "PrimaryContainer": {"Image": place.image, "ModelDataUrl": data, **variables},
        "EnableNetworkIsolation": settings.train.isolated,
        "Tags": place.tags,
        **_network(settings),
    }


def endpoint_config(settings: Settings, place: Place, name: str, model_name: str) -> Request:
    """Return the request for CreateEndpointConfig."""
    deploy = settings.deploy
    variant: Request = {"VariantName": VARIANT, "ModelName": model_name}
    if deploy.kind == "serverless":
        variant["ServerlessConfig"] = {"MemorySizeInMB": deploy.memory_mb, "MaxConcurrency": deploy.concurrency}
    else:
        variant |= {"InstanceType": deploy.instance_type, "InitialInstanceCount": deploy.instance_count}
    request: Request = {"EndpointConfigName": name, "ProductionVariants": [variant], "Tags": place.tags}
    if deploy.kind == "async":
        output = {"S3OutputPath": deploy.async_output or f"{place.root}/async"}
        request["AsyncInferenceConfig"] = {"OutputConfig": output | _key(settings, "KmsKeyId")}
    elif deploy.kind == "realtime":
        request |= _key(settings, "KmsKeyId")
        if deploy.capture:
            request["DataCaptureConfig"] = {
                "EnableCapture": True,
                "InitialSamplingPercentage": deploy.capture,
                "DestinationS3Uri": f"{place.root}/capture",
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
                **_key(settings, "KmsKeyId"),
            }
    return request


def scaling(settings: Settings, endpoint_name: str) -> list[tuple[str, Request]]:
    """Return what Application Auto Scaling is asked for, operation and request; nothing without `scale`.

    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html
    """
    scale = settings.deploy.scale
    if settings.deploy.kind != "realtime" or not scale.max:
        return []
    target = scalable(endpoint_name)
    policy = {
        "TargetValue": scale.per_instance,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    return [
        ("RegisterScalableTarget", {**target, "MinCapacity": scale.min, "MaxCapacity": scale.max}),
        (
            "PutScalingPolicy",
            {
                "PolicyName": endpoint_name,
                **target,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": policy,
            },
        ),
    ]


def scalable(endpoint_name: str) -> Request:
    """Return how Application Auto Scaling names the instances of an endpoint."""
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint_name}/variant/{VARIANT}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def endpoint(place: Place, name: str, config: str) -> Request:
    """Return the request for CreateEndpoint."""
    return {"EndpointName": name, "EndpointConfigName": config, "Tags": place.tags}


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
        "Tags": place.tags,
    }


def package_group(settings: Settings, place: Place, name: str) -> Request:
    """Return the request for CreateModelPackageGroup."""
    return {"ModelPackageGroupName": name, "Tags": place.tags}


def package(
    settings: Settings, place: Place, group: str, job: Request, content_types: list[str], accepts: list[str]
) -> Request:
    """Return the request for CreateModelPackage; `job` is the description of the training job that made the model."""
    container = {"Image": place.image, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    metrics = {one["MetricName"]: f"{one['Value']:g}" for one in job.get("FinalMetricDataList", [])}
    return {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": f"of the training job {job['TrainingJobName']}",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": content_types,
            "SupportedResponseMIMETypes": accepts,
        },
        "ModelApprovalStatus": settings.register.approval,
        "CustomerMetadataProperties": {"training-job": job["TrainingJobName"], **metrics},
    }


def _key(settings: Settings, name: str) -> Request:
    return {name: settings.aws.kms_key} if settings.aws.kms_key else {}


def _network(settings: Settings) -> Request:
    """Return the VPC of containers, where the settings have one."""
    if not settings.aws.subnets:
        return {}
    return {"VpcConfig": {"Subnets": [*settings.aws.subnets], "SecurityGroupIds": [*settings.aws.security_groups]}}
