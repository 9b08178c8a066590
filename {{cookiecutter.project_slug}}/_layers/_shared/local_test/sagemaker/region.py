"""A region: what was created there, and the jobs and endpoints at work, each with an engine of its own."""

import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ..contract import REASON
from ..engines.base import Engine, Server
from .engines import Engines
from .resources import Kind, Resources, change
from .storage import NoData, Storage

Work = TypeVar("Work", bound="JobAtWork")


@dataclass(frozen=True)
class Deployment:
    """What an endpoint runs: an endpoint configuration, by a server."""

    config: dict
    engine: Engine
    server: Server

    @property
    def variant(self) -> dict:
        """The production variant."""
        return self.config["ProductionVariants"][0]


class Region:
    """What the operations of one region share.

    `jobs` has those at work by their kind and name, `deployments` what endpoints run by the endpoint's name.
    """

    def __init__(self, name: str, endpoint: str, engines: Engines, say: Callable[[str], None]):
        self.name, self.engines, self.say = name, engines, say
        self.resources = Resources(name)
        self.storage = Storage(endpoint, name)
        self.jobs: dict[tuple[Kind, str], JobAtWork] = {}
        self.deployments: dict[str, Deployment] = {}

    def move(self, kind: Kind, description: dict, status: str, **values: Any) -> None:
        """Give a resource its new status, and print that."""
        change(description, **{f"{kind.name}Status": status, **values})
        reason = f" ({values['FailureReason']})" if "FailureReason" in values else ""
        self.say(f"{kind.name} {description[f'{kind.name}Name']}: {status}{reason}")

    def begin(self, job_kind: type[Work], request: dict, image: str | None, **more: Any) -> Work:
        """Return a job that is ready to run. Raises Refusal where its name is in use, or there is no such image."""
        engine = self.engines.open(image)
        kind = job_kind.kind
        try:
            job = self.resources.create(kind, request, "InProgress", **more)
        except BaseException:
            self.engines.end(engine)
            raise
        self.jobs[kind, job[f"{kind.name}Name"]] = work = job_kind(self, engine, job)
        return work

    def job(self, job_kind: type[Work], name: str) -> Work | None:
        """Return the job of a kind and a name that is at work; None where there is none."""
        found = self.jobs.get((job_kind.kind, name))
        return found if isinstance(found, job_kind) else None

    def start(self, job_kind: type["JobAtWork"], request: dict, image: str | None) -> dict:
        """Let a job run in the background; return its ARN, as the Create operations do."""
        work = self.begin(job_kind, request, image)
        threading.Thread(target=work.run, daemon=True).start()
        return {(arn := f"{job_kind.kind.name}Arn"): work.job[arn]}


class JobAtWork(ABC):
    """A job while it runs; `job` is its description."""

    kind: Kind

    def __init__(self, region: Region, engine: Engine, job: dict):
        self.region, self.engine, self.job = region, engine, job
        self.name: str = job[f"{self.kind.name}Name"]

    @abstractmethod
    def work(self) -> None:
        """Do the job's work, and `end` it."""

    def end(self, status: str, **values: Any) -> None:
        """Give the job its last status."""
        self.region.move(self.kind, self.job, status, **values)

    def fail(self, reason: str) -> None:
        """End the job as failed."""
        self.end("Failed", FailureReason=reason[:REASON])

    def run(self) -> None:
        """Do the work, then clean up. An unforeseen exception counts as SageMaker's own fault."""
        try:
            self.work()
        except NoData as error:
            self.fail(f"ClientError: Data download failed: {error}")
        except Exception as error:
            traceback.print_exc()
            self.fail(f"InternalServerError: {error}")
        finally:
            del self.region.jobs[self.kind, self.name]
            self.region.engines.end(self.engine)
