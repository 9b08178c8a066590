"""The server's settings, from the environment (contract I4, I7, B1)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from runtime.errors import UserError
from runtime.resources import cpu_count, gpu_count

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """How this container serves.

    Attributes:
        port: SAGEMAKER_BIND_TO_PORT, or 8080 (I7).
        workers: processes that answer requests: SAGEMAKER_MODEL_SERVER_WORKERS, or one for each CPU (I21); one where
            there is a GPU, whose memory holds the model of each.
        max_payload_mb: SAGEMAKER_MAX_PAYLOAD_IN_MB, or 100, the most that SageMaker ever sends (B3, I13).
        batch: whether this is a batch transform job, SAGEMAKER_BATCH (B1).
        timeout: seconds that a prediction may take: SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS, or 60, as long as SageMaker
            waits for it (I13); 3600 in a batch transform job (B3).
        queue: requests that may wait for a worker: SAGEMAKER_MODEL_SERVER_QUEUE, or 128.
    """

    port: int
    workers: int
    max_payload_mb: int
    batch: bool
    timeout: int
    queue: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables. Raises UserError for one that is not a positive whole number."""
        batch = environment.get("SAGEMAKER_BATCH", "").lower() == "true"
        return cls(
            port=_number(environment, "SAGEMAKER_BIND_TO_PORT", 8080),
            workers=_number(environment, "SAGEMAKER_MODEL_SERVER_WORKERS", 1 if gpu_count() else cpu_count()),
            # 0 means that the body arrives in chunks of any total size (B3).
            max_payload_mb=_number(environment, "SAGEMAKER_MAX_PAYLOAD_IN_MB", 100, least=0) or 100,
            batch=batch,
            timeout=_number(environment, "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS", 3600 if batch else 60),
            queue=_number(environment, "SAGEMAKER_MODEL_SERVER_QUEUE", 128),
        )

    @property
    def max_payload(self) -> int:
        """The longest request body, in bytes."""
        return self.max_payload_mb * MEGABYTE

    @property
    def execution_parameters(self) -> dict[str, int | str]:
        """What a batch transform job should send at once; the product may not pass 100 MB (B2, B3)."""
        return {
            "MaxConcurrentTransforms": self.workers,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": max(1, min(6, 100 // self.workers)),
        }


def _number(environment: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise UserError(f"environment variable {name} is '{text}': expected a whole number, {least} or more")
    return int(text)
