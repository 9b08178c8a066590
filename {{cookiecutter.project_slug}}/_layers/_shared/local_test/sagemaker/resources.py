"""What was created in a region: jobs, models, endpoints, as their Describe operations show them."""

import time
from dataclasses import dataclass
from typing import Any

from cloud.local import ACCOUNT

from .api import Refusal, invalid


@dataclass(frozen=True)
class Kind:
    """A kind of resource. `name` is that of its operations: CreateTrainingJob, TrainingJobName, TrainingJobStatus.

    `segment` is its part of an ARN, `words` are AWS's for kinds that are no jobs, `order` is that of a list by default.
    """

    name: str
    segment: str
    words: str | None = None
    order: str = "Descending"

    def exists(self, arn: str) -> Refusal:
        """Return AWS's answer to a name that is in use."""
        if self.words:
            return invalid(f'Cannot create already existing {self.words} "{arn}".')
        what = "training job" if self.name == "TrainingJob" else "job"
        return Refusal(
            "ResourceInUse",
            f"{what.capitalize()} names must be unique within an AWS account and region, and a {what} with this name "
            f"already exists ({arn})",
        )

    def missing(self, arn: str) -> Refusal:
        """Return AWS's answer to an unknown name."""
        if self.words:
            return invalid(f'Could not find {self.words} "{arn}".')
        if self.name == "TrainingJob":
            return invalid("Requested resource not found.")
        return Refusal("ResourceNotFound", f"Could not find requested job with name: {arn.rpartition('/')[2]}")


TRAINING_JOB = Kind("TrainingJob", "training-job", order="Ascending")
TUNING_JOB = Kind("HyperParameterTuningJob", "hyper-parameter-tuning-job", order="Ascending")
TRANSFORM_JOB = Kind("TransformJob", "transform-job")
PROCESSING_JOB = Kind("ProcessingJob", "processing-job")
MODEL = Kind("Model", "model", "model")
ENDPOINT_CONFIG = Kind("EndpointConfig", "endpoint-config", "endpoint configuration")
ENDPOINT = Kind("Endpoint", "endpoint", "endpoint")
KINDS = (TRAINING_JOB, TUNING_JOB, TRANSFORM_JOB, PROCESSING_JOB, MODEL, ENDPOINT_CONFIG, ENDPOINT)


class Resources:
    """The resources of a region. Jobs change their descriptions while requests read them."""

    def __init__(self, region: str):
        self.region = region
        self._described: dict[tuple[str, str], dict] = {}
        self._tags: dict[str, dict[str, str]] = {}  # ARN -> key -> value

    def arn(self, kind: Kind, name: str) -> str:
        """Return the ARN of the resource with this name."""
        return f"arn:aws:sagemaker:{self.region}:{ACCOUNT}:{kind.segment}/{name}"

    def create(self, kind: Kind, request: dict, status: str | None = None, **more: Any) -> dict:
        """Keep what a request describes, and return its description. Raises Refusal where the name is in use."""
        name = request[f"{kind.name}Name"]
        arn, created = self.arn(kind, name), time.time()
        description = {**request, f"{kind.name}Arn": arn, "CreationTime": created, "LastModifiedTime": created, **more}
        if status:
            description[f"{kind.name}Status"] = status
        if self._described.setdefault((kind.name, name), description) is not description:
            raise kind.exists(arn)
        self._tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
        return description

    def find(self, kind: Kind, name: str) -> dict:
        """Return the description of the resource with this name. Raises Refusal where there is none."""
        found = self._described.get((kind.name, name))
        if found is None:
            raise kind.missing(self.arn(kind, name))
        return found

    def all(self, kind: Kind) -> list[dict]:
        """Return the descriptions of a kind, the oldest first."""
        return [described for (name, _), described in list(self._described.items()) if name == kind.name]

    def delete(self, kind: Kind, name: str) -> None:
        """Forget the resource with this name. Raises Refusal where there is none."""
        self.find(kind, name)
        del self._described[kind.name, name]
        self._tags.pop(self.arn(kind, name))

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource, to read or to change. Raises Refusal where there is no such resource."""
        if arn not in self._tags:
            raise invalid(f"Could not find resource {arn}.")
        return self._tags[arn]


def change(description: dict, **values: Any) -> None:
    """Change a description, and note when."""
    description.update(values, LastModifiedTime=time.time())
