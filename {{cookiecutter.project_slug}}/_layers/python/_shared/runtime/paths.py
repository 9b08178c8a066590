"""Where SageMaker puts things in the container (contract T6, T12-T34, I3)."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The folders and files below /opt/ml."""

    base: Path

    @classmethod
    def from_environment(cls) -> "Paths":
        """Return the paths of this container: /opt/ml, or SAGEMAKER_BASE_DIR where that is set (T57)."""
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    @property
    def config(self) -> Path:
        """The job's JSON files (T12-T18)."""
        return self.base / "input" / "config"

    @property
    def data(self) -> Path:
        """One folder for each channel (T25)."""
        return self.base / "input" / "data"

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz (T31); read-only while serving (I3)."""
        return self.base / "model"

    @property
    def checkpoints(self) -> Path:
        """Kept in S3 while the job runs, restored when it starts again (T34)."""
        return self.base / "checkpoints"

    @property
    def output_data(self) -> Path:
        """What becomes output.tar.gz (T31)."""
        return self.base / "output" / "data"

    @property
    def failure(self) -> Path:
        """The file whose first 1024 characters become FailureReason (T32).

        Each of several processes on this host has one of its own, and the process that started them writes the job's.
        """
        own = os.environ.get("LOCAL_RANK")
        return self.base / "output" / ("failure" if own is None else f"failure-{own}")
