"""The training jobs on several hosts that checks share: each is run once and observed often.

They run one after the other: as local processes two jobs would use the same ports.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import pytest

from .engines.base import Engine, Run
from .job import Job
from .progress import doing
from .sample import Sample
from .training_runs import Finished, await_life
from .waits import WAITS


@dataclass(frozen=True)
class OnHosts:
    """A training job on several hosts that is over; `hosts` are in SageMaker's order."""

    hosts: list[Finished]

    @property
    def first(self) -> Finished:
        """The host that is to leave the model."""
        return self.hosts[0]

    @property
    def ok(self) -> bool:
        """True if the job succeeded on every host, and the first one left a model."""
        return self.first.ok and all(not host.hung and host.run.exit_code == 0 for host in self.hosts)

    @property
    def sent(self) -> str:
        """How the job was started, for messages."""
        return f"{self.first.sent}\nand the same on {', '.join(name_of(host.run) for host in self.hosts[1:])}"

    @property
    def got(self) -> str:
        """How the job ended on every host, for messages."""
        return "\n\n".join(f"on {name_of(host.run)}:\n{host.got}" for host in self.hosts)


def name_of(run: Run) -> str:
    """Return the name of the host that a job, or its part, runs on."""
    return run.job.host


def going(runs: list[Run]) -> list[Run]:
    """Return those that have not ended yet."""
    return [run for run in runs if run.exit_code is None]


@doing("waiting for all hosts of a training job to end")
def finish_all(runs: list[Run], timeout: float | None = None, after_failure: float | None = None) -> OnHosts:
    """Wait for the hosts of a job, up to `timeout` seconds, then kill those still going; collect what each left.

    Once one of them has failed the others get no more than `after_failure` seconds. None stands for the usual waits.
    """
    after_failure = after_failure or WAITS.host_gone
    give_up = time.monotonic() + (timeout or WAITS.training)
    while (left := going(runs)) and time.monotonic() < give_up:
        if any(run.exit_code for run in runs):
            give_up = min(give_up, max(run.started + run.seconds for run in runs if run.exit_code) + after_failure)
        time.sleep(0.05)
    hung = {run: run.stuck() for run in left}
    for run in left:
        run.crash()
    for run in runs:
        run.wait(10)
    return OnHosts([Finished(run, run.collect(), hung.get(run, "")) for run in runs])


@dataclass(frozen=True)
class Disturbed:
    """The long job on several hosts, stopped or deprived of a host when it made progress.

    `idle` are the hosts that had ended with exit code 0 by then, though the first one was still training. `job` is
    None if it could not be disturbed; `seconds` is how long the slowest of the hosts took to end after that.
    """

    runs: list[Run]
    idle: list[Run]
    job: OnHosts | None = None
    seconds: float = 0.0

    @property
    def first_only(self) -> bool:
        """True if no host but the first takes part in the training."""
        return self.idle == self.runs[1:]


class HostsRuns:
    """The sample's jobs on several hosts."""

    def __init__(self, engine: Engine, sample: Sample, job: Job, count: int, stop_within: Callable[[float], float]):
        self.engine, self.sample, self.job, self.count = engine, sample, job, count
        self.stop_within = stop_within

    @cached_property
    def together(self) -> OnHosts:
        """The sample's job; the name of the first host resolves late."""
        return finish_all(self.engine.train_on_hosts(self.job, self.count, first_late_by=WAITS.first_host_late))

    @cached_property
    def last_dies(self) -> Disturbed:
        """The long job, whose last host dies."""
        return self._death(-1)

    @cached_property
    def first_dies(self) -> Disturbed:
        """The long job, whose first host dies."""
        return self.last_dies if self.last_dies.first_only else self._death(0)

    @cached_property
    def stopped(self) -> Disturbed:
        """The long job, stopped as SageMaker stops a job."""
        runs, idle = self._long_job()
        if runs[0].exit_code is not None:
            return _given_up(runs, idle)
        since = time.monotonic()
        for run in runs:
            run.signal(signal.SIGTERM)
        return _ended(runs, idle, since, self.stop_within(WAITS.stop_training))

    def _death(self, number: int) -> Disturbed:
        runs, idle = self._long_job()
        dying = runs[number]
        if dying.exit_code is not None or going(runs) == [dying]:
            return _given_up(runs, idle)
        since = time.monotonic()
        dying.crash()
        return _ended(runs, idle, since, WAITS.host_gone)

    def _long_job(self) -> tuple[list[Run], list[Run]]:
        """Start the long job and wait until it makes progress; return all hosts, and the idle ones."""
        runs = self.engine.train_on_hosts(Job.of(self.sample, self.sample.long_hyperparameters), self.count)
        await_life(runs[0], self.sample)
        settled = time.monotonic() + WAITS.idle_hosts
        while len(going(runs)) > 1 and time.monotonic() < settled:
            time.sleep(0.05)
        return runs, [run for run in runs[1:] if run.exit_code == 0 and runs[0].exit_code is None]


def _given_up(runs: list[Run], idle: list[Run]) -> Disturbed:
    for run in runs:
        run.crash()
    return Disturbed(runs, idle)


def _ended(runs: list[Run], idle: list[Run], since: float, timeout: float) -> Disturbed:
    job = finish_all(runs, timeout, after_failure=timeout)
    return Disturbed(runs, idle, job, max(run.started + run.seconds - since for run in runs))


@pytest.fixture(scope="session")
def hosts_runs(
    engine: Engine,
    sample: Sample,
    trained: Finished,
    plain_job: Job,
    stop_within: Callable[[float], float],
    pytestconfig: pytest.Config,
) -> HostsRuns:
    """The sample's jobs on as many hosts as were asked for."""
    return HostsRuns(engine, sample, plain_job, pytestconfig.option.hosts, stop_within)
