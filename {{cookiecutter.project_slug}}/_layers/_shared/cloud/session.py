"""What every action works with."""

import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from botocore.exceptions import ClientError

from local_test.sample import FOLDER, Sample, load

from .aws import NAMED_AFTER, Aws
from .errors import CloudError
from .requests import Request
from .settings import Settings


@dataclass(frozen=True)
class Cloud:
    """A project, its settings, and AWS. `yes` answers questions; `detach` does not wait for what was started."""

    project: Path
    settings: Settings
    aws: Aws
    yes: bool = False
    detach: bool = False

    @cached_property
    def sample(self) -> Sample:
        """The project's sample: channels and hyperparameters where the settings have none, requests."""
        return load(FOLDER)

    def new_name(self) -> str:
        """Return a name for a job, of at most 63 letters: the project's, the time, and four letters of chance."""
        return f"{self.aws.project[:43].rstrip('-')}-{datetime.now(UTC):%y%m%d-%H%M%S}-{secrets.token_hex(2)}"

    def new_tuning_name(self) -> str:
        """Return a name for a tuning job, of at most 32 letters."""
        return f"{self.aws.project[:NAMED_AFTER].rstrip('-')}-{datetime.now(UTC):%m%d%H%M%S}"

    def sure(self, question: str) -> None:
        """Ask before something is spent or deleted. Raises CloudError for a no, and without a terminal to ask on."""
        if self.yes or self.aws.local or self.aws.dry_run:
            return
        if not sys.stdin.isatty():
            raise CloudError(f"{question} There is no terminal to ask on: say YES=1")
        if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
            raise CloudError("nothing was done")

    def trained(self, name: str) -> Request:
        """Return the description of a training job that has a model; of the newest without a name.

        Raises CloudError where there is none. A dry run asks for nothing, and has a job called JOB.
        """
        if self.aws.dry_run:
            name = name or "JOB"
            artifact = f"{self.aws.root}/jobs/{name}/output/model.tar.gz"
            return {"TrainingJobName": name, "ModelArtifacts": {"S3ModelArtifacts": artifact}}
        if not name:
            jobs = self.aws.own("TrainingJob")
            name = next((job["TrainingJobName"] for job in jobs if job["TrainingJobStatus"] == "Completed"), "")
        if not name:
            raise CloudError(
                "no training job of this project has completed yet; train first: make cloud-train; or name one of "
                "a search: NAME=…"
            )
        job = self.aws.api.describe_training_job(TrainingJobName=name)
        if "ModelArtifacts" not in job:
            raise CloudError(f"{name} has no model: its status is {job['TrainingJobStatus']}")
        return job


def exists(describe: Callable[..., object], **name: str) -> bool:
    """Return whether SageMaker has a resource of that name."""
    try:
        describe(**name)
    except ClientError as error:
        if "Could not find" in str(error) or "does not exist" in str(error):
            return False
        raise
    return True
