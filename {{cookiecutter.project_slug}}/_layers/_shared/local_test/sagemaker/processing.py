"""Processing jobs: a script in the project's image, its inputs from S3, its outputs to S3 (contract section 5)."""

import time

from ..contract import ML, REASON
from ..job import write_processing
from .api import invalid
from .region import JobAtWork, Region
from .resources import PROCESSING_JOB
from .storage import LogStream

GROUP = "/aws/sagemaker/ProcessingJobs"
ROOT = f"{ML}/processing/"


def create(region: Region, request: dict) -> dict:
    """CreateProcessingJob."""
    if wrong := [
        one["LocalPath"] for one in [*inputs(request), *outputs(request)] if not one["LocalPath"].startswith(ROOT)
    ]:
        raise invalid(f"LocalPath {wrong[0]} must be below {ROOT}")
    return region.start(Processing, request, request["AppSpecification"]["ImageUri"])


def inputs(request: dict) -> list[dict]:
    """Return the inputs of a request."""
    return [one["S3Input"] for one in request.get("ProcessingInputs", [])]


def outputs(request: dict) -> list[dict]:
    """Return the outputs of a request."""
    return [one["S3Output"] for one in request.get("ProcessingOutputConfig", {}).get("Outputs", [])]


class Processing(JobAtWork):
    """A Processing job at work."""

    kind = PROCESSING_JOB

    def work(self) -> None:
        """Run the script on the inputs, and upload the outputs."""
        storage, application = self.region.storage, self.job["AppSpecification"]
        given = {
            one["LocalPath"].removeprefix(ROOT): storage.download_data(one, self.engine.folder("input"))
            for one in inputs(self.job)
        }
        wanted = {one["LocalPath"].removeprefix(ROOT): one["S3Uri"] for one in outputs(self.job)}
        tree = self.engine.folder("processing")
        write_processing(tree, self.job, given, wanted)
        self.job["ProcessingStartTime"] = time.time()
        run = self.engine.process(
            tree,
            application.get("ContainerEntrypoint", []),
            application.get("ContainerArguments", []),
            self.job.get("Environment", {}),
        )
        stream = LogStream(storage, GROUP, f"{self.name}/algo-1-{int(self.job['CreationTime'])}", run)
        limit = self.job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", float("inf"))
        while not run.wait(0.1):
            stream.copy()
            if run.seconds > limit:
                run.crash()
        stream.copy()
        for folder, uri in wanted.items():
            storage.upload(run.collect(f"processing/{folder}"), uri)
        message = run.collect("output") / "message"
        self.job["ProcessingEndTime"] = time.time()
        if message.is_file():
            self.job["ExitMessage"] = message.read_text(encoding="utf-8", errors="replace")[:REASON]
        if run.seconds > limit:
            self.end("Stopped")
        elif run.exit_code:
            self.fail(f"AlgorithmError: See job logs for more information, exit code: {run.exit_code}")
        else:
            self.end("Completed")
