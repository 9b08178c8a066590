"""Refuses what SageMaker supports and this machine does not; nothing is ignored silently."""

import re
from collections.abc import Iterator

from ..contract import ML
from .api import invalid

ABSENT = ()  # no value is supported
CHANNEL = {
    "CompressionType": ("None",),
    "RecordWrapperType": ("None",),
    "SplitType": ("None", "Line"),
    "InputMode": ("File", "FastFile"),
    "DataSource.FileSystemDataSource": ABSENT,
    "DataSource.S3DataSource.S3DataType": ("S3Prefix", "ManifestFile"),
}
# The supported values, by operation and by their place in its request; * stands for every number.
MODES: dict[str, dict[str, tuple]] = {
    "CreateTrainingJob": {
        "AlgorithmSpecification.TrainingInputMode": ("File", "FastFile"),
        "AlgorithmSpecification.AlgorithmName": ABSENT,
        "CheckpointConfig.LocalPath": (f"{ML}/checkpoints", f"{ML}/checkpoints/"),
        "ResourceConfig.InstanceGroups": ABSENT,
        **{f"InputDataConfig.*.{name}": values for name, values in CHANNEL.items()},
    },
    "CreateHyperParameterTuningJob": {
        "HyperParameterTuningJobConfig.Strategy": ("Random", "Grid", "Bayesian"),
        "TrainingJobDefinitions": ABSENT,
        "WarmStartConfig": ABSENT,
        "Autotune": ABSENT,
    },
    "CreateModel": {
        "Containers": ABSENT,
        "InferenceExecutionConfig": ABSENT,
        "PrimaryContainer.Mode": ("SingleModel",),
    },
    "CreateEndpointConfig": {
        "ProductionVariants.1": ABSENT,
        "ShadowProductionVariants": ABSENT,
        "DataCaptureConfig": ABSENT,
    },
    "CreateTransformJob": {
        "DataProcessing.InputFilter": ("$",),
        "DataProcessing.OutputFilter": ("$",),
        **{f"TransformInput.{name}": values for name, values in CHANNEL.items()},
    },
    "CreateProcessingJob": {
        "ProcessingInputs.*.DatasetDefinition": ABSENT,
        "ProcessingInputs.*.S3Input.S3InputMode": ("File",),
        "ProcessingResources.ClusterConfig.InstanceCount": (1,),
    },
}
# Local processes are `train` and `serve` alone.
IN_CONTAINERS: dict[str, tuple[str, ...]] = {
    "CreateTrainingJob": ("AlgorithmSpecification.ContainerEntrypoint", "AlgorithmSpecification.ContainerArguments"),
    "CreateProcessingJob": ("AppSpecification",),
}
TEXTS_OF_THE_USER = ("HyperParameters", "StaticHyperParameters", "Environment")


def refuse(operation: str, request: dict, engine: str) -> None:
    """Raise Refusal for a request that asks for what is not supported, or not with local processes."""
    for place, value in places(request):
        starred = re.sub(r"\.\d+\b", ".*", place)
        known = MODES.get(operation, {})
        values = known.get(place, known.get(starred, (value,)))
        if value not in values:
            shown, instead = (f" {value}", f"use {' or '.join(map(str, values))}") if values else ("", "leave it out")
            raise invalid(f"The SageMaker on this machine has no {place}{shown}: {instead}.")
        if engine == "process" and place in IN_CONTAINERS.get(operation, ()):
            raise invalid(f"Local processes cannot do what {place} asks for: start local-sagemaker with ENGINE=docker.")


def places(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value of a request with its place: ("InputDataConfig.0.ChannelName", "train")."""
    if place:
        yield place.removeprefix("."), value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, f"{place}.{key}")


def uris(request: dict) -> list[str]:
    """Return the S3 URIs that a request names, except in the user's own texts."""
    return [
        value
        for place, value in places(request)
        if isinstance(value, str) and value.startswith("s3://") and not set(place.split(".")) & set(TEXTS_OF_THE_USER)
    ]
