"""Training on the sample."""

import re

import pytest

from .engines.base import Engine
from .explain import fail
from .job import Job
from .training_runs import expect_success, finish
from .waits import WAITS

ISOLATION_TRIES = 2  # more, beside a job with a network, where the machine may have been busy


def cannot_start(engine: Engine) -> str | None:
    """Return why no training can work with this image, where a check of the image says so already."""
    if not engine.runs_as_root:
        return "the image does not run as root (T7)"
    try:
        train = engine.executable("train")
    except LookupError:
        return None
    startable = (
        train and train.interpreter_found and not train.first_line.endswith(b"\r") and train.executable is not False
    )
    return None if startable else "`train` cannot be started (T1)"


@pytest.mark.clause("T31", "T33")
def test_trains_on_the_sample(engine, happy, figure):
    """Training on the sample ends with exit code 0 and leaves a model."""
    if not happy.finished.ok and (reason := cannot_start(engine)):
        pytest.skip(f"because {reason}")
    expect_success(
        happy.finished,
        "Training on the sample data failed."
        if happy.finished.run.exit_code != 0
        else "Training succeeded but left nothing in /opt/ml/model.",
        "Read the log above. The sample job is in sample/sample.toml, its data in sample/.",
    )
    figure("training on the sample", f"{happy.finished.run.seconds:.1f} s")


@pytest.mark.clause("T26")
def test_channels_are_read_only(happy):
    """Training leaves its input channels alone: SageMaker may mount them read-only."""
    if happy.refused:
        fail(
            "Training fails with read-only channels, and succeeds when it may write to them.",
            sent=happy.refused.sent,
            got=happy.refused.got,
            advice="Write to /tmp instead of /opt/ml/input/data.",
        )
    if not happy.finished.ok:
        pytest.skip("because the training on the sample failed (T33)")
    if changed := happy.finished.run.channel_changes():
        fail(
            "Training wrote to its input channels. With FastFile mode they are read-only, and the write would fail.",
            sent=happy.finished.sent,
            got="\n".join(changed[:10]),
            advice="Write to /tmp instead of /opt/ml/input/data.",
        )


@pytest.mark.clause("T29")
def test_empty_channel(engine, plain_job, trained):
    """An empty channel, as sharding may leave one, ends with success or a clear error, never a hang."""
    name = next(iter(plain_job.channels))
    finished = finish(engine.train(plain_job.but(channels={**plain_job.channels, name: None})), WAITS.endless)
    silent = finished.run.exit_code != 0 and not finished.failure and not finished.run.log
    if finished.hung or silent:
        fail(
            f"With an empty channel '{name}' training " + ("fails without a message." if silent else "does not end."),
            sent=finished.sent,
            got=finished.got,
            advice="Say that the channel is empty; with ShardedByS3Key a host can get no objects at all.",
        )


@pytest.mark.clause("T22", "T40")
def test_without_network(docker, plain_job, trained):
    """Training needs no network and no credentials, and does not wait for them."""
    finished = finish(docker.train(plain_job, network=False))
    expect_success(
        finished,
        "Training fails without a network, as with EnableNetworkIsolation.",
        "Install packages and fetch weights when the image is built, not when the job starts.",
    )
    delay = finished.run.seconds - trained.run.seconds
    for _ in range(ISOLATION_TRIES):
        if delay > WAITS.no_network:  # what waits for a time-out does so each time
            delay = min(delay, delay_without_network(docker, plain_job))
    if delay > WAITS.no_network:
        fail(
            f"Without a network training takes {delay:.1f} s longer: something waits for a time-out.",
            sent=finished.sent,
            got=finished.got,
            advice="Look for calls to AWS, to the instance metadata (169.254.169.254) or to package indexes.",
        )


def delay_without_network(docker: Engine, job: Job) -> float:
    """Train without and with a network at the same time; return the seconds that the former took longer."""
    without, beside = [docker.train(job, network=network) for network in (False, True)]
    return finish(without).run.seconds - finish(beside).run.seconds


@pytest.mark.clause("T38")
def test_metrics(sample, trained):
    """Each metric's regular expression finds a number in the log."""
    if not sample.metrics:
        pytest.skip("sample.toml has no metrics")
    for metric in sample.metrics:
        values = [found[1] for _, line in trained.run.log if (found := re.search(metric["Regex"], line))]
        if not values or not all(is_number(value) for value in values):
            fail(
                f"The metric {metric['Name']} is " + ("not a number." if values else "not in the log."),
                sent=f"Regex {metric['Regex']}",
                got=f"captured {values[:5]}\n{trained.run.got}",
                advice="Print a line that the expression matches, its first group the number; see metrics in "
                "sample/sample.toml.",
            )


def is_number(text: str) -> bool:
    """Return whether a captured text parses as a float."""
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.clause("T38")
def test_metrics_arrive_while_running(sample, interrupted):
    """Metrics arrive while the job is running, not all at its end."""
    if not sample.metrics:
        pytest.skip("sample.toml has no metrics")
    if interrupted.finished is None:
        pytest.skip("because the long job ended by itself (T4)")
    if interrupted.live is None:
        fail(
            "The long job ran, but none of the metrics was in the log until it was stopped.",
            sent=interrupted.finished.sent,
            got=interrupted.run.got,
            advice="Print metrics as training goes on, and flush: print(..., flush=True) or PYTHONUNBUFFERED=1.",
        )
