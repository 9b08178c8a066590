"""Follows what takes long: its states and its log, as they come."""

import time
from collections.abc import Callable

from .aws import Aws
from .requests import Request

EVERY = 5.0  # seconds between two looks
LOCAL_EVERY = 0.3
GROUPS = {
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
    "Endpoint": "/aws/sagemaker/Endpoints/{name}",
}
GOING = ("InProgress", "Stopping", "Creating", "Updating", "Deleting")


def pause(aws: Aws) -> float:
    """Return the seconds between two looks."""
    return LOCAL_EVERY if aws.local else EVERY


class Log:
    """The log streams of a group whose names have a prefix; each line is printed once."""

    def __init__(self, aws: Aws, group: str, prefix: str = ""):
        self.logs, self.group, self.prefix = aws.client("logs"), group, prefix
        self._tokens: dict[str, str] = {}

    def show(self) -> None:
        """Print the lines that are new since the last call."""
        try:
            wanted = {"logStreamNamePrefix": self.prefix} if self.prefix else {}
            streams = self.logs.describe_log_streams(logGroupName=self.group, **wanted)["logStreams"]
        except self.logs.exceptions.ResourceNotFoundException:
            return  # there is nothing yet
        for stream in sorted(one["logStreamName"] for one in streams):
            token = {"nextToken": self._tokens[stream]} if stream in self._tokens else {"startFromHead": True}
            found = self.logs.get_log_events(logGroupName=self.group, logStreamName=stream, **token)
            self._tokens[stream] = found["nextForwardToken"]
            host = host_of(stream)
            for event in found["events"]:
                print(f"  {host} | {event['message']}" if len(streams) > 1 else f"  | {event['message']}", flush=True)


def log_of(aws: Aws, kind: str, name: str) -> Log:
    """Return the log of a job or an endpoint."""
    return Log(aws, GROUPS[kind].format(name=name), "" if kind == "Endpoint" else f"{name}/")


def host_of(stream: str) -> str:
    """Return the host that a stream is the log of: JOB/algo-1-TIME is algo-1's, VARIANT/i-1234 is i-1234's."""
    last = stream.rpartition("/")[2]
    return last.rpartition("-")[0] if last.startswith("algo-") else last


def until_ended(aws: Aws, kind: str, name: str, describe: Callable[[], Request], *, log: bool = True) -> Request:
    """Show states and log until a job or an endpoint has its final status; return its last description."""
    shown, lines = 0, log_of(aws, kind, name) if log else None
    last = None
    while True:
        described = describe()
        status = described[f"{kind}Status"]
        transitions = described.get("SecondaryStatusTransitions", [])
        for one in transitions[shown:]:
            print(f"{one['Status']}: {one['StatusMessage']}", flush=True)
        shown = len(transitions)
        if not transitions and status != last:
            print(f"{name}: {status}", flush=True)
        last = status
        if lines:
            lines.show()
        if status not in GOING:
            return described
        time.sleep(pause(aws))


def until_deleted(aws: Aws, endpoint: str) -> None:
    """Wait until an endpoint is gone."""
    aws.api.get_waiter("endpoint_deleted").wait(EndpointName=endpoint, WaiterConfig={"Delay": pause(aws)})


def until_built(aws: Aws, number: str) -> Request:
    """Show the phases and the log of a build of CodeBuild until it has ended; return its last description."""
    client, phase, log = aws.client("codebuild"), None, None
    while True:
        build = client.batch_get_builds(ids=[number])["builds"][0]
        if build.get("currentPhase") != phase:
            phase = build["currentPhase"]
            print(f"{number}: {phase}", flush=True)
        if log is None and "groupName" in build.get("logs", {}):
            log = Log(aws, build["logs"]["groupName"], build["logs"]["streamName"])
        if log:
            log.show()
        if build["buildStatus"] != "IN_PROGRESS":
            return build
        time.sleep(pause(aws))
