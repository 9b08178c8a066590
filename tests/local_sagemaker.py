"""A project's own SageMaker, started as a user starts it, with AWS's clients for it."""

import os
import re
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from sdk.environments import interpreter

ROLE = "arn:aws:iam::123456789012:role/local-sagemaker"
BUCKET = "some-bucket"
LABEL = "local-test.sagemaker"  # of all that the docker engine makes
NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
PATIENCE = 180  # seconds


def until(found: Callable, what: str, seconds: float = PATIENCE):
    """Ask again and again until there is an answer, and return it."""
    give_up = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < give_up, f"{what}: nothing within {seconds} s"
        time.sleep(0.1)
    return answer


def expect_answer(request: dict, answer: str) -> None:
    """Compare the numbers in an answer with those of sample.toml, within its tolerance."""
    assert answer.strip() and '"error"' not in answer, f"{request['body']} was answered with {answer}"
    if "answer" in request:
        expected = [float(number) for number in NUMBER.findall(request["answer"])]
        got = [float(number) for number in NUMBER.findall(answer)]
        assert got == pytest.approx(expected, abs=request.get("tolerance", 1e-6))


class LocalSageMaker:
    """`python -m local_test.sagemaker` of a project, with a folder for all that it and its programs leave."""

    def __init__(self, project: Path, folder: Path, engine: str):
        self.project, self.folder, self.engine = project, folder, engine
        self.sample = tomllib.loads((project / "sample/sample.toml").read_text())
        folder.mkdir(parents=True)
        command = [str(interpreter("local-sagemaker")), "-m", "local_test.sagemaker", "--engine", engine, "--port", "0"]
        self.log = folder / "log.txt"
        self.foreign = self.labels()  # of runs that were killed and left something, which is not its own
        (folder / "tmp").mkdir()
        environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "AWS_PROFILE": "of-nobody"}
        self.process = subprocess.Popen(
            [*command, "--image", project.name],
            cwd=project,
            env=environment,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        until(lambda: "Ctrl-C" in self.log.read_text() or self.process.poll() is not None, "its first words")
        assert self.process.poll() is None, self.log.read_text()
        self.variables = dict(re.findall(r"export (\w+)=(\S+)", self.log.read_text()))

    def client(self, service: str, region: str = "eu-west-1"):
        """Return boto3's client of a service."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 1}, read_timeout=PATIENCE),
        )

    @cached_property
    def api(self):
        """The client of SageMaker."""
        return self.client("sagemaker")

    @cached_property
    def runtime(self):
        """The client of SageMaker's invocations."""
        return self.client("sagemaker-runtime")

    @cached_property
    def s3(self):
        """The client of S3, where the sample's channels lie below `in/`."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        for channel in self.channels:
            for file in (self.project / "sample" / channel).iterdir():
                s3.upload_file(str(file), BUCKET, f"in/{channel}/{file.name}")
        return s3

    @property
    def channels(self) -> dict[str, str]:
        """The sample's channels with their content types."""
        return self.sample["training"]["channels"]

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix."""
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]

    def read(self, key: str) -> bytes:
        """Return an object."""
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def job(self, name: str, which: str = "", **more) -> dict:
        """Return the request for a training job with the sample's hyperparameters of a kind ("", "long_" …)."""
        assert self.s3
        training = self.sample["training"]
        hyperparameters = training["hyperparameters"] | training.get(f"{which}hyperparameters", {})
        return {
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                "TrainingImage": self.project.name,
                "TrainingInputMode": "File",
                "MetricDefinitions": training["metrics"],
            },
            "RoleArn": ROLE,
            "HyperParameters": {key: str(value) for key, value in hyperparameters.items()},
            "InputDataConfig": [
                {
                    "ChannelName": channel,
                    "ContentType": content_type,
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/{channel}/"}},
                }
                for channel, content_type in self.channels.items()
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        } | more

    def spot(self, name: str) -> dict:
        """Return the request for a managed spot training of some seconds, with checkpoints."""
        limits = {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600}
        return self.job(
            name,
            "resumed_",
            EnableManagedSpotTraining=True,
            StoppingCondition=limits,
            CheckpointConfig={"S3Uri": f"s3://{BUCKET}/checkpoints/{name}"},
        )

    def ended(self, name: str) -> dict:
        """Return the description of a training job once that has ended."""

        def found() -> dict | None:
            job = self.api.describe_training_job(TrainingJobName=name)
            return job if job["TrainingJobStatus"] not in ("InProgress", "Stopping") else None

        return until(found, f"the end of {name}")

    def completed(self, name: str) -> dict:
        """Return the description of a training job that completes."""
        job = self.ended(name)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        return job

    def lines(self, job: str, pattern: str) -> int:
        """Return how many lines that match a pattern a training job has logged."""
        logs, group, count = self.client("logs"), "/aws/sagemaker/TrainingJobs", 0
        with suppress(logs.exceptions.ResourceNotFoundException):
            streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
            for stream in streams:
                name = stream["logStreamName"]
                events = logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)["events"]
                count += sum(re.search(pattern, event["message"]) is not None for event in events)
        return count

    def await_line(self, job: str, pattern: str, *, lines: int = 1, seconds: float = PATIENCE) -> None:
        """Wait until a training job has logged a line, or several, that match a pattern."""
        until(lambda: self.lines(job, pattern) >= lines, f"the line {pattern} of {job}", seconds)

    def model(self, name: str, job: str) -> None:
        """Make a model of a training job's artifact."""
        data = self.ended(job)["ModelArtifacts"]["S3ModelArtifacts"]
        container = {"Image": self.project.name, "ModelDataUrl": data}
        self.api.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)

    def endpoint(self, name: str, model: str, **more) -> None:
        """Make an endpoint for a model, with a configuration of the same name; wait until it is in service."""
        variant = {"VariantName": "AllTraffic", "ModelName": model}
        size = {} if "ServerlessConfig" in more else {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        for_config = {key: more.pop(key) for key in list(more) if key != "ServerlessConfig"}
        self.api.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant | size | more], **for_config
        )
        self.api.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self.await_endpoint(name)

    def await_endpoint(self, name: str) -> None:
        """Wait, with boto3's own waiter, until an endpoint is in service."""
        waiter = self.api.get_waiter("endpoint_in_service")
        waiter.wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": PATIENCE})

    def invoke(self, endpoint: str, request: dict) -> str:
        """Send one of the sample's requests."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=endpoint, Body=request["body"], ContentType=request["content_type"], Accept=request["accept"]
        )
        return answer["Body"].read().decode()

    def labels(self) -> set[str]:
        """Return the labels of the containers of this project's image; none with local processes."""
        if self.engine != "docker":
            return set()
        listed = _docker("ps", "--all", "--filter", f"ancestor={self.project.name}", "--format", "{{.Labels}}")
        return {label for line in listed for label in line.split(",") if label.startswith(LABEL)}

    def end(self) -> list[str]:
        """End it as a CI system does, by SIGTERM; return what it has left behind."""
        labels = self.labels() - self.foreign
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        # What torch compiles is kept for the next program of the same user: a cache, wherever torch is imported.
        left = [str(one) for one in (self.folder / "tmp").iterdir() if not one.name.startswith("torchinductor_")]
        for environment in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if f"SAGEMAKER_BASE_DIR={self.folder}".encode() in environment.read_bytes():
                    left.append(f"process {environment.parts[2]}")
        for label in labels:
            for kind in ("container", "volume", "network"):
                every = ["--all"] if kind == "container" else []
                listed = _docker(kind, "ls", "--quiet", "--filter", f"label={label}", *every)
                left += [f"{kind} {name}" for name in listed]
        return left


def _docker(*arguments: str) -> list[str]:
    command = ["docker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
