"""Training jobs that are stopped or killed while they run."""

import re
import signal
import time
from math import isclose

import pytest

from .contract import STOP_TRAINING
from .engines.base import Run
from .explain import BEYOND, fail
from .job import Job
from .progress import doing
from .training_runs import finish
from .waits import WAITS

SAME = 1e-6  # how far the metrics of two trainings may differ that did the same


@pytest.mark.clause("T4")
def test_sigterm_ends_training(interrupted, figure):
    """SIGTERM ends the job within 120 s, with a model or a checkpoint left behind."""
    finished = interrupted.finished
    if finished is None:
        fail(
            "The long job ended by itself, before it could be stopped.",
            sent=f"{interrupted.run.command}\n{interrupted.run.job.describe()}",
            got=interrupted.run.got,
            advice="Make long_hyperparameters in sample/sample.toml a job of many minutes.",
        )
    figure("end of training after SIGTERM", f"{interrupted.stopped_after:.1f} s")
    sent = f"{finished.sent}\nand SIGTERM to its main process once it was going"
    if finished.hung:
        fail(
            f"Training did not end within {interrupted.stopped_after:.0f} s of SIGTERM; SageMaker kills after "
            f"{STOP_TRAINING} s.",
            sent=sent,
            got=finished.got,
            advice="Handle SIGTERM: save the model or a checkpoint and exit. If a shell script starts the program, let "
            "it use `exec`, so that the program gets the signal.",
        )
    if interrupted.run.exit_code == -signal.SIGTERM:
        fail(
            "SIGTERM killed the program because it does not handle it. As the first process of a container it would "
            "not even be killed: the system ignores SIGTERM there.",
            sent=sent,
            got=finished.got,
            advice="Handle SIGTERM: save the model or a checkpoint and exit.",
        )
    if not finished.model and not finished.checkpoints:
        fail(
            "The stopped job left neither a model nor a checkpoint: what it had learned is lost.",
            sent=sent,
            got=finished.got,
            advice="Save to /opt/ml/model (or /opt/ml/checkpoints) when SIGTERM comes; SageMaker keeps what is there.",
        )


@pytest.mark.clause("T34", "T36")
def test_resumes_from_checkpoint(engine, sample, trained):
    """A killed job resumes from its last checkpoint when started again, and ends with the same metrics."""
    if sample.resumed_hyperparameters is None or not sample.checkpoints:
        pytest.skip("sample.toml has no checkpoints = true with resumed_hyperparameters")
    job = Job.of(sample, sample.resumed_hyperparameters)
    # Both at the same time, with the same number of threads, which decides how sums are rounded.
    whole, run = engine.train(job, beside=1), engine.train(job, beside=1)
    with doing("waiting for a training job to write a checkpoint"):
        while not run.checkpoint_files() and run.exit_code is None and run.seconds < WAITS.going:
            time.sleep(0.05)
    run.wait(WAITS.checkpoint)
    ended_by_itself = run.exit_code is not None
    run.signal(signal.SIGKILL)
    killed = finish(run)
    if not killed.checkpoints:
        fail(
            "The job left no checkpoint to resume from.",
            sent=killed.sent,
            got=killed.got,
            advice="Write checkpoints to /opt/ml/checkpoints now and then, or set checkpoints = false in sample.toml.",
        )
    if ended_by_itself:
        pytest.skip("the job ended before it could be killed: make resumed_hyperparameters a longer job")
    resumed = finish(engine.train(job, checkpoints=killed.folder / "checkpoints", beside=1))
    sent = f"{resumed.sent}\nwith /opt/ml/checkpoints of a killed job: {', '.join(killed.checkpoints)}"
    if not resumed.ok:
        fail(
            "A job that finds checkpoints of a killed job fails.",
            sent=sent,
            got=resumed.got,
            advice="Write a checkpoint under another name and rename it when it is complete: a kill can come any time.",
        )
    if not engine.promises:
        pytest.skip(f"the job succeeds with checkpoints, and need not say that it resumes: {BEYOND}")
    if not resumed.run.line_with(r"(?i)resuming from checkpoint"):
        fail(
            "The job found checkpoints but started from scratch, or does not say that it resumes from them.",
            sent=sent,
            got=resumed.got,
            advice='Load the newest checkpoint at the start and print "resuming from checkpoint ...".',
        )
    whole = finish(whole)
    for metric in sample.metrics:
        expected, got = last_value(whole.run, metric["Regex"]), last_value(resumed.run, metric["Regex"])
        # A job that was killed after its last checkpoint prints no more metrics.
        if got is not None and expected is not None and not isclose(got, expected, rel_tol=0, abs_tol=SAME):
            fail(
                f"The job that was killed ended with {metric['Name']} {got}, one that was not with {expected}.",
                sent=sent,
                got=f"{resumed.got}\n\nand without a kill\n\n{whole.got}",
                advice="Keep all that the training depends on in the checkpoint: the model, the optimizer's state, "
                "the number of epochs, the state of early stopping. Let the order of the rows follow from the seed and "
                "the epoch.",
            )


def last_value(run: Run, regex: str) -> float | None:
    """Return the last value of a metric in a job's log; None if there is none."""
    values = [found[1] for _, line in run.log if (found := re.search(regex, line))]
    return float(values[-1]) if values else None
