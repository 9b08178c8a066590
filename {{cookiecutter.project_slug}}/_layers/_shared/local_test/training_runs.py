"""The training jobs that checks share: each is run once and observed often.

A check whose job did not run is skipped "because ...": a defect fails its own clause and no other.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from . import archive
from .contract import REASON
from .engines.base import LOG_TAIL, Engine, Run
from .explain import fail
from .job import ODD_CHANNEL, ODD_HOST, SAGEMAKERS_OWN, Job
from .progress import at_most, doing
from .sample import Sample
from .waits import WAITS


@dataclass(frozen=True)
class Finished:
    """A training job that is over; `folder` has its model/, output/ and checkpoints/.

    `hung` is where its processes stood when it had to be killed because it did not end in time ("" if it did).
    """

    run: Run
    folder: Path
    hung: str = ""

    @property
    def model(self) -> list[str]:
        """The names of the files in /opt/ml/model."""
        return self._names("model")

    @property
    def checkpoints(self) -> list[str]:
        """The names of the files in /opt/ml/checkpoints."""
        return self._names("checkpoints")

    def _names(self, folder: str) -> list[str]:
        return [str(path.relative_to(self.folder / folder)) for path in archive.files(self.folder / folder)]

    @property
    def ok(self) -> bool:
        """True if the job succeeded as SageMaker sees it, and left a model."""
        return not self.hung and self.run.exit_code == 0 and bool(self.model)

    @property
    def failure(self) -> bytes | None:
        """The content of /opt/ml/output/failure, None if there is no such file."""
        file = self.folder / "output/failure"
        return file.read_bytes() if file.is_file() else None

    @property
    def cause(self) -> str:
        """Why the job failed, in one line of the failure file, or else of the log. "" if it did not fail."""
        if self.hung or self.run.exit_code == 0:
            return ""
        reason = (self.failure or b"").decode("utf-8", "backslashreplace").strip()
        return reason.partition("\n")[0] or self.run.last_words

    @property
    def sent(self) -> str:
        """How the job was started, for messages."""
        return f"{self.run.command}\n{self.run.job.describe()}"

    @property
    def got(self) -> str:
        """How the job ended, for messages."""
        content = b"no such file" if self.failure is None else self.failure[:REASON]
        failure = content.decode("utf-8", "backslashreplace")
        headline, _, rest = failure.partition("\n\n")
        if rest and rest.rstrip().rpartition("\n")[2] in [line for _, line in self.run.log[-LOG_TAIL:]]:
            failure = f"{headline} (and what the log says)"
        ended = f"had to be killed:\n{self.hung}" if self.hung else self.run.got
        left = f"/opt/ml/model: {', '.join(self.model) or 'empty'}"
        return f"{ended}\n{left}\n/opt/ml/output/failure: {failure}"


def finish(run: Run, timeout: float | None = None) -> Finished:
    """Wait for a job, up to `timeout` seconds (None: as long as a training may take), then kill it; collect it."""
    hung, timeout = "", timeout or WAITS.training
    with doing(f"waiting for a training job to end, {at_most(timeout)}"):
        ended = run.wait(timeout)
    if not ended:
        hung = run.stuck()
        run.signal(signal.SIGKILL)
        run.wait(10)
    return Finished(run, run.collect(), hung)


def expect_success(finished: Finished, what: str, advice: str) -> None:
    """Fail unless a job ended with exit code 0 and left a model."""
    if not finished.ok:
        what = f"{what.removesuffix('.')}: {finished.cause}" if finished.cause else what
        fail(what, sent=finished.sent, got=finished.got, advice=advice)


def failure_problem(content: bytes | None, names: list[str]) -> str | None:
    """Return what is wrong with a failure file that should mention one of `names`, if any; None if it is fine."""
    if content is None:
        return "was not written"
    try:
        reason = content.decode("utf-8")[:REASON]
    except UnicodeDecodeError:
        return "is not UTF-8"
    if not reason.strip():
        return "is empty"
    if names and not any(name in reason for name in names):
        return f"does not mention {' or '.join(names)} in its first {REASON} characters"
    return None


def metric_line(run: Run, sample: Sample) -> str | None:
    """Return the first line of the log that one of the sample's metrics matches."""
    return next((line for metric in sample.metrics if (line := run.line_with(metric["Regex"]))), None)


@doing("waiting until a long training job is under way: for a metric, or a checkpoint")
def await_life(run: Run, sample: Sample) -> None:
    """Wait until a long job makes progress: it has printed a metric and left a checkpoint, where the sample has them.

    One of the two is enough if the other does not follow soon.
    """
    seen: dict[str, float] = {}
    expected = {"metric"} if sample.metrics else set()
    expected |= {"checkpoint"} if sample.checkpoints else set()
    while run.exit_code is None and run.seconds < WAITS.going:
        if "metric" not in seen and metric_line(run, sample):
            seen["metric"] = run.seconds
        if "checkpoint" not in seen and run.checkpoint_files():
            seen["checkpoint"] = run.seconds
        if expected and expected <= seen.keys():
            return
        first_sign = min(seen.values(), default=run.seconds if expected else 0.0)
        if run.seconds - first_sign > WAITS.second_sign:
            return
        time.sleep(0.05)


def serves_only(engine: Engine, sample: Sample) -> str | None:
    """Return why only serving is checked; None where training is checked, too."""
    if not sample.channels:
        return "only serving is checked: sample.toml has no [training] channels"
    try:
        trains = not sample.model or engine.executable("train")
    except LookupError:  # an ENTRYPOINT may do either
        trains = True
    return None if trains else "only serving is checked: the image has no `train`, and the sample has a model/"


@pytest.fixture(scope="session")
def plain_job(engine: Engine, sample: Sample) -> Job:
    """The sample's job in its plainest documented form. Skips checks of training where nothing is trained."""
    if reason := serves_only(engine, sample):
        pytest.skip(reason)
    return Job.of(sample)


@dataclass(frozen=True)
class Happy:
    """The sample's training. `refused` is the first try, if the job only works with channels that it can write to."""

    finished: Finished
    refused: Finished | None = None


@pytest.fixture(scope="session")
def happy(engine: Engine, plain_job: Job) -> Happy:
    """The sample's job, run once for all checks."""
    first = finish(engine.train(plain_job))
    if first.ok or not engine.mounts_read_only:
        return Happy(first)
    engine.read_only_channels = False  # for the jobs that follow as well
    second = finish(engine.train(plain_job))
    engine.read_only_channels = not second.ok
    return Happy(second, refused=first) if second.ok else Happy(first)


@pytest.fixture(scope="session")
def trained(happy: Happy) -> Finished:
    """The sample's training, if it worked."""
    if not happy.finished.ok:
        pytest.skip("because the training on the sample failed (T33)")
    return happy.finished


class Variations:
    """Tries changes to the sample's job.

    One run tries all changes together; if it succeeds, each of them works. Only if it fails is each change tried alone,
    to name the one that does harm.
    """

    def __init__(self, engine: Engine, job: Job, **changes: Any):
        self.engine, self.job, self.changes = engine, job, changes
        self._run = engine.train(job.but(**changes))
        self._alone: dict[str, Finished] = {}

    @cached_property
    def together(self) -> Finished:
        """The run with all changes."""
        return finish(self._run)

    def try_alone(self, field: str) -> Finished:
        """Return a run that shows how the job does with this one of the changes."""
        if self.together.ok:
            return self.together
        if field not in self._alone:
            self._alone[field] = finish(self.engine.train(self.job.but(**{field: self.changes[field]})))
        return self._alone[field]

    @property
    def culprits(self) -> list[str]:
        """The changes that do harm by themselves."""
        return [field for field in self.changes if not self.try_alone(field).ok]


@pytest.fixture(scope="session")
def variations(engine: Engine, trained: Finished, plain_job: Job) -> tuple[Variations, Variations]:
    """Two runs, started at the same time: `cloud` and `local_mode`."""
    cloud = Variations(
        engine,
        plain_job,
        encoding="json.dumps",
        extra_hyperparameters=SAGEMAKERS_OWN,
        channels={**plain_job.channels, ODD_CHANNEL: None},
        content_types={},
        host=ODD_HOST,
        newest_resourceconfig=True,
        extra_config_files=True,
        manifest_files=True,
    )
    return cloud, Variations(engine, plain_job, encoding="JSON with bare strings", local_mode_config=True)


@pytest.fixture(scope="session")
def cloud(variations: tuple[Variations, Variations]) -> Variations:
    """A job with all that SageMaker may write today (T13, T14, T16, T18, T24, T25, T39)."""
    return variations[0]


@pytest.fixture(scope="session")
def local_mode(variations: tuple[Variations, Variations]) -> Variations:
    """A job as the local mode of SageMaker's SDK v3 writes it (T13, L6)."""
    return variations[1]


@dataclass
class Interrupted:
    """The sample's long job, which got SIGTERM when it made progress (`finished` is None if it never did).

    `live` is a metric line that was seen before SIGTERM; `stopped_after` counts seconds from SIGTERM.
    """

    run: Run
    live: str | None
    finished: Finished | None = None
    stopped_after: float = 0.0


@pytest.fixture(scope="session")
def interrupted(
    engine: Engine, sample: Sample, trained: Finished, stop_within: Callable[[float], float]
) -> Interrupted:
    """The long job, stopped as SageMaker stops a job."""
    if sample.long_hyperparameters is None:
        pytest.skip("sample.toml has no long_hyperparameters: those of a job of many minutes")
    run = engine.train(Job.of(sample, sample.long_hyperparameters))
    await_life(run, sample)
    stopping = Interrupted(run, metric_line(run, sample))
    if run.exit_code is None:
        told = run.seconds
        run.signal(signal.SIGTERM)
        stopping.finished = finish(run, stop_within(WAITS.stop_training))
        stopping.stopped_after = run.seconds - told
    return stopping
