"""A region: what was created there, and the jobs and endpoints at work, each with an engine of its own."""

import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable

from ..contract import REASON
from ..engines.base import Engine
from .engines import Engines
from .resources import Kind, Resources, change
from .storage import NoData, Storage


class Region:
    """What the operations of one region share. `at_work` has what runs by its kind and name: jobs, endpoints."""

    def __init__(self, name: str, endpoint: str, engines: Engines, say: Callable[[str], None]):
        self.name, self.engines, self.say = name, engines, say
        self.resources = Resources(name)
        self.storage = Storage(endpoint, name)
        self.at_work: dict[tuple[Kind, str], object] = {}

    def move(self, kind: Kind, description: dict, status: str, **values) -> None:
        """Give a resource its new status, and print that."""
        change(description, **{f"{kind.name}Status": status, **values})
        reason = f" ({values['FailureReason']})" if "FailureReason" in values else ""
        self.say(f"{kind.name} {description[f'{kind.name}Name']}: {status}{reason}")

    def begin(self, job_kind: type["JobAtWork"], request: dict, image: str | None, **more) -> "JobAtWork":
        """Return a job that is ready to run. Raises Refusal where its name is in use, or there is no such image."""
        engine = self.engines.open(image)
        kind = job_kind.kind
        try:
            job = self.resources.create(kind, request, "InProgress", **more)
        except BaseException:
            self.engines.end(engine)
            raise
        self.at_work[kind, job[f"{kind.name}Name"]] = work = job_kind(self, engine, job)
        return work

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

    def end(self, status: str, **values) -> None:
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
            del self.region.at_work[self.kind, self.name]
            self.region.engines.end(self.engine)
