"""Training jobs: channels from S3, `train` on one host or several, artifacts, metrics and the reason of a failure."""

import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from .. import archive
from ..contract import REASON
from ..engines.base import Engine, Run
from ..job import Job
from ..waits import WAITS
from .api import invalid
from .region import JobAtWork, Region
from .resources import TRAINING_JOB, change
from .storage import LogStream

GROUP = "/aws/sagemaker/TrainingJobs"
MAX_RUNTIME = 24 * 3600  # seconds, unless the request says otherwise (T10)
LOOK_EVERY = 0.1  # seconds
# AWS's words for the secondary states of a job; of those that end it the last four.
MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Interrupted": "Training job interrupted",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
}
ENDS = list(MESSAGES)[-4:]


def create(region: Region, request: dict) -> dict:
    """CreateTrainingJob."""
    refuse(request)
    return region.start(Training, request, request["AlgorithmSpecification"].get("TrainingImage"))


def stop(region: Region, request: dict) -> dict:
    """StopTrainingJob."""
    job = region.resources.find(TRAINING_JOB, request["TrainingJobName"])
    work = region.job(Training, request["TrainingJobName"])
    if work is None or job["TrainingJobStatus"] != "InProgress":
        raise invalid(f"The request was rejected because the training job is in status {job['TrainingJobStatus']}.")
    work.stop("Stopped")
    return {}


def refuse(request: dict) -> None:
    """Raise Refusal for what AWS refuses beyond its service model."""
    limits = request.get("StoppingCondition", {})
    longest = limits.get("MaxRuntimeInSeconds", MAX_RUNTIME)
    if request.get("EnableManagedSpotTraining") and limits.get("MaxWaitTimeInSeconds", 0) < longest:
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )


class Training(JobAtWork):
    """A training job at work."""

    kind = TRAINING_JOB

    def __init__(self, region: Region, engine: Engine, job: dict):
        super().__init__(region, engine, job)
        job.update(SecondaryStatus="Starting", SecondaryStatusTransitions=[])
        self.output = f"{job['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"
        checkpoints = job.get("CheckpointConfig", {}).get("S3Uri")
        self.checkpoints = checkpoints and f"{checkpoints.rstrip('/')}/"  # a name that only begins so is another job's
        self.runs: list[Run] = []
        self.seconds = 0.0  # of training, interrupted tries included
        self._ending: str | None = None  # the secondary status that it will end in after it was stopped
        self._kill_at = float("inf")
        self._interrupted = False

    def stop(self, status: str) -> None:
        """End it as SageMaker does: SIGTERM, and SIGKILL if it takes longer than it may (T4)."""
        self._ending, self._kill_at = status, time.monotonic() + WAITS.stop_training
        self._enter("Stopping")
        change(self.job, TrainingJobStatus="Stopping")
        self._terminate()

    def interrupt(self) -> None:
        """Take its instances away, as AWS takes spot instances (T36). Raises Refusal for other jobs."""
        if not self.job.get("EnableManagedSpotTraining") or self.job["SecondaryStatus"] != "Training":
            raise invalid(f"{self.name} is not a managed spot training with the secondary status Training.")
        self._interrupted = True
        for run in self.runs:
            run.crash()

    def work(self) -> None:
        """Train, again after each interruption, and upload what the job has left."""
        while True:
            folders = self._train()
            if self.checkpoints:
                self.region.storage.mirror(self._merged(folders, "checkpoints"), self.checkpoints)
            if not self._interrupted:
                break
            self._enter("Interrupted")
            self._interrupted = False
        failed = next((run for run in self.runs if run.exit_code), None)
        if not self._ending:
            self._enter("Uploading")
        data = self._merged([folder / "output" for folder in folders], "data")
        if archive.files(data):
            self.region.storage.upload_archive(data, f"{self.output}/output.tar.gz")
        if self._ending or not failed:
            model = self.region.storage.upload_archive(self._merged(folders, "model"), f"{self.output}/model.tar.gz")
            change(self.job, ModelArtifacts={"S3ModelArtifacts": model})
        seconds = max(1, round(self.seconds))
        change(self.job, TrainingTimeInSeconds=seconds, BillableTimeInSeconds=seconds)
        change(self.job, FinalMetricDataList=self._metrics())
        if failed and not self._ending:
            self.fail(self._reason(folders[self.runs.index(failed)], failed))
        else:
            self.end(self._ending or "Completed")

    def end(self, status: str, **values: Any) -> None:
        """End the job in a secondary status, and in the status that goes with it."""
        self._enter(status)
        self.job["SecondaryStatusTransitions"][-1]["EndTime"] = time.time()
        super().end("Stopped" if status == "MaxRuntimeExceeded" else status, **values)

    def _train(self) -> list[Path]:
        """Train until the job has ended or was interrupted; return what each host has left."""
        self._enter("Starting")
        self._enter("Downloading")
        job, checkpoints = self._local_job(), self.engine.folder("checkpoints")
        if self.checkpoints:
            self.region.storage.download(self.checkpoints, checkpoints)
        count = self.job["ResourceConfig"].get("InstanceCount", 1)
        if count == 1:
            self.runs = [self.engine.train(job, checkpoints=checkpoints)]
        else:
            self.runs = self.engine.train_on_hosts(job, count, checkpoints=checkpoints)
        if self._ending:  # stopped before there was anything to stop
            self._terminate()
        else:
            self._enter("Training")
        self.job.setdefault("TrainingStartTime", time.time())
        self._follow()
        change(self.job, TrainingEndTime=time.time())
        return [run.collect() for run in self.runs]

    def _local_job(self) -> Job:
        """Return the job as local_test knows it, with its channels copied from S3."""
        channels, types, sharded = {}, {}, []
        for channel in self.job.get("InputDataConfig", []):
            name, source = channel["ChannelName"], channel["DataSource"]["S3DataSource"]
            channels[name] = self.region.storage.download_data(source, self.engine.folder("channel"))
            if "ContentType" in channel:
                types[name] = channel["ContentType"]
            if source.get("S3DataDistributionType") == "ShardedByS3Key":
                sharded.append(name)
        own = {"TRAINING_JOB_NAME": self.name, "TRAINING_JOB_ARN": self.job["TrainingJobArn"]}
        algorithm = self.job["AlgorithmSpecification"]
        return Job(
            channels,
            types,
            hyperparameters={},
            extra_hyperparameters=self.job.get("HyperParameters", {}),
            sharded=tuple(sharded),
            environment={**own, "AWS_REGION": self.region.name, **self.job.get("Environment", {})},
            entrypoint=tuple(algorithm.get("ContainerEntrypoint", [])),
            arguments=tuple(algorithm.get("ContainerArguments", [])),
        )

    def _follow(self) -> None:
        """Wait until every host has ended; end them when the job's time is over, or one of them has failed."""
        storage, started = self.region.storage, int(self.job["CreationTime"])
        streams = [
            LogStream(storage, GROUP, f"{self.name}/algo-{number}-{started}", run)
            for number, run in enumerate(self.runs, 1)
        ]
        begun = time.monotonic()
        limit = self.job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", MAX_RUNTIME) - self.seconds
        while not all([run.wait(LOOK_EVERY) for run in self.runs]):
            for stream in streams:
                stream.copy()
            now = time.monotonic()
            if now > begun + limit and not self._ending:
                self.stop("MaxRuntimeExceeded")
            if any(run.exit_code for run in self.runs):  # the others get some time to notice
                self._kill_at = min(self._kill_at, now + WAITS.stop_training)
            if now > self._kill_at:
                for run in self.runs:
                    run.crash()
        for stream in streams:
            stream.copy()
        self.seconds += time.monotonic() - begun

    def _terminate(self) -> None:
        for run in self.runs:
            run.signal(signal.SIGTERM)

    def _merged(self, folders: list[Path], name: str) -> Path:
        """Return a folder with what all hosts have in theirs of that name (T31); of two alike the first host's."""
        merged = self.engine.folder(name)
        for folder in reversed(folders):
            if (folder / name).is_dir():
                shutil.copytree(folder / name, merged, symlinks=True, dirs_exist_ok=True)
        return merged

    def _metrics(self) -> list[dict]:
        """Return the last value of each metric in the logs, the first host's where several have it (T38)."""
        found = {}
        lines = [line for run in reversed(self.runs) for _, line in run.log]
        for metric in self.job["AlgorithmSpecification"].get("MetricDefinitions", []):
            for match in filter(None, (re.search(metric["Regex"], line) for line in lines)):
                try:
                    found[metric["Name"]] = float(match[1])
                except (ValueError, IndexError):
                    continue  # the group is not a number, or there is no group
        return [{"MetricName": name, "Value": value, "Timestamp": time.time()} for name, value in found.items()]

    @staticmethod
    def _reason(folder: Path, run: Run) -> str:
        """Return FailureReason: what the failure file says (T32), and the exit code."""
        file = folder / "output/failure"
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        ending = f", exit code: {run.exit_code}"
        return f"AlgorithmError: {text}"[: REASON - len(ending)] + ending

    def _enter(self, status: str) -> None:
        """Enter the next secondary status."""
        transitions, now = self.job["SecondaryStatusTransitions"], time.time()
        if transitions:
            transitions[-1].setdefault("EndTime", now)
        transitions.append({"Status": status, "StartTime": now, "StatusMessage": MESSAGES[status]})
        change(self.job, SecondaryStatus=status)
        if status not in ENDS:
            self.region.say(f"{TRAINING_JOB.name} {self.name}: {status}")
