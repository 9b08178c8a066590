"""Batch transform: the files of a prefix, split into records, sent to a server of the job (contract section 4)."""

import json
import time
from collections.abc import Iterator

from .. import archive
from ..engines.base import Server
from .api import Refusal, invalid
from .hosting import serve
from .region import JobAtWork, Region
from .resources import MODEL, TRANSFORM_JOB

GROUP = "/aws/sagemaker/TransformJobs"
DEFAULTS = {"BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}  # B2
STRATEGIES = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}
SECONDS = 600  # for an answer, unless the request says otherwise (B3)


def create(region: Region, request: dict) -> dict:
    """CreateTransformJob."""
    split = request["TransformInput"].get("SplitType", "None")
    joined_to = request.get("DataProcessing", {}).get("JoinSource")
    if joined_to == "Input" and split != request["TransformOutput"].get("AssembleWith", "None"):
        raise invalid("With JoinSource Input, AssembleWith must be equal to SplitType")
    model = region.resources.find(MODEL, request["ModelName"])
    return region.start(Transform, request, model["PrimaryContainer"]["Image"])


def stop(region: Region, request: dict) -> dict:
    """StopTransformJob: the request that is under way is finished, and no answer is kept."""
    job = region.resources.find(TRANSFORM_JOB, request["TransformJobName"])
    if job["TransformJobStatus"] == "InProgress":
        region.move(TRANSFORM_JOB, job, "Stopping")
    return {}


class Stopped(Exception):
    """Somebody has asked to stop the job."""


class NoAnswers(Exception):
    """A file was not answered, or not as it should be; the text begins with its name."""


class Transform(JobAtWork):
    """A transform job at work."""

    kind = TRANSFORM_JOB

    def work(self) -> None:
        """Transform all files, and upload the answers if none of them failed."""
        data, output, storage = self.job["TransformInput"], self.job["TransformOutput"], self.region.storage
        source = storage.download_data(data["DataSource"]["S3DataSource"], self.engine.folder("in"))
        target = self.engine.folder("out")
        try:
            server = serve(self.region, self.engine, self.job["ModelName"], self._variables(), GROUP, self.name)
            self.job["TransformStartTime"] = time.time()
            limits = self._limits(server)
            for file in archive.files(source):
                answers = target / f"{file.relative_to(source)}.out"
                answers.parent.mkdir(parents=True, exist_ok=True)
                try:
                    answers.write_bytes(self._transform(server, file.read_bytes(), limits))
                except ValueError as error:
                    raise NoAnswers(f"{file.relative_to(source)}: {error}") from None
        except Stopped:
            self.end("Stopped")
        except Refusal as error:
            self.fail(f"AlgorithmError: {error}")
        except NoAnswers as error:
            self.fail(f"ClientError: See job logs for more information: {error}")
        else:
            storage.upload(target, output["S3OutputPath"])
            self.job["TransformEndTime"] = time.time()
            self.end("Completed")

    def _variables(self) -> dict[str, str]:
        """Return the variables of batch transform, with the limits that the request sets (B1)."""
        own = {
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": self.job.get("MaxPayloadInMB"),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": self.job.get("MaxConcurrentTransforms"),
            "SAGEMAKER_BATCH_STRATEGY": STRATEGIES.get(self.job.get("BatchStrategy", "")),
        }
        given = {name: str(value) for name, value in own.items() if value is not None}
        return {"SAGEMAKER_BATCH": "true", **given, **self.job.get("Environment", {})}

    def _limits(self, server: Server) -> dict:
        """Return strategy and payload: the request's, else the container's, else SageMaker's (B2)."""
        asked = server.request("GET", "/execution-parameters", timeout=10)
        try:
            limits = DEFAULTS | (json.loads(asked.body) if asked.ok else {})
        except ValueError as error:
            raise invalid(f"/execution-parameters is not JSON: {error}") from None
        own = {"BatchStrategy": STRATEGIES.get(self.job.get("BatchStrategy", ""))}
        own["MaxPayloadInMB"] = self.job.get("MaxPayloadInMB")
        return limits | {name: value for name, value in own.items() if value is not None}

    def _transform(self, server: Server, content: bytes, limits: dict) -> bytes:
        """Return the assembled answers to a file (B4). Raises ValueError where there are none, or too few."""
        data, output = self.job["TransformInput"], self.job["TransformOutput"]
        types = {"Content-Type": data.get("ContentType"), "Accept": output.get("Accept")}
        headers = {name: value for name, value in types.items() if value}
        seconds = self.job.get("ModelClientConfig", {}).get("InvocationsTimeoutInSeconds", SECONDS)
        ending = b"\n" if output.get("AssembleWith") == "Line" else b""
        by_line, found = data.get("SplitType") == "Line", b""
        for records in batches(content, limits) if by_line else [[content]]:
            if self.job["TransformJobStatus"] == "Stopping":
                raise Stopped
            body = b"".join(records)
            sent = body if limits["MaxPayloadInMB"] else [body]  # 0: in HTTP chunks (B3)
            answer = server.request("POST", "/invocations", headers, sent, timeout=seconds)
            if not answer.ok:
                raise ValueError(answer.got)
            if self.job.get("DataProcessing", {}).get("JoinSource") == "Input":
                found += joined(records, answer.body, by_line, data.get("ContentType", "")) + ending
            else:
                found += answer.body + ending
        return found


def batches(content: bytes, limits: dict) -> Iterator[list[bytes]]:
    """Yield the lines of each request: a single one, or as many as the payload holds."""
    size, most = 0, limits["MaxPayloadInMB"] << 20 or float("inf")
    batch: list[bytes] = []
    for line in content.splitlines(keepends=True):
        if batch and (limits["BatchStrategy"] == "SINGLE_RECORD" or size + len(line) > most):
            yield batch
            size, batch = 0, []
        batch.append(line)
        size += len(line)
    if batch:
        yield batch


def joined(records: list[bytes], body: bytes, by_line: bool, content_type: str) -> bytes:
    """Return records with their answers: CSV as more columns, JSON as one more key (B4).

    Raises ValueError where there is not one answer to each record.
    """
    answers = body.splitlines() if by_line else [body.rstrip(b"\n")]
    if len(answers) != len(records):
        raise ValueError(f"{len(records)} records, but {len(answers)} answers: they cannot be joined")
    lines = []
    for record, answer in zip(records, answers, strict=True):
        if content_type.startswith("text/csv"):
            lines.append(record.rstrip(b"\r\n") + b"," + answer)
            continue
        given = json.loads(record)
        whole = given if isinstance(given, dict) else {"SageMakerInput": given}
        lines.append(json.dumps({**whole, "SageMakerOutput": json.loads(answer)}).encode())
    return b"\n".join(lines)
