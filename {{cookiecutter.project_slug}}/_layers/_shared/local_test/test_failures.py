"""Jobs with a mistake, which must fail and say why."""

import pytest

from .contract import REASON
from .engines.base import Engine
from .explain import fail
from .job import ODD_CHANNEL, Job
from .sample import Sample
from .training_runs import Finished, failure_problem, finish
from .waits import WAITS


@pytest.fixture(scope="module")
def refused(engine: Engine, sample: Sample, plain_job: Job, trained: Finished) -> dict[str, tuple[Finished, list[str]]]:
    """Jobs with a mistake: what is wrong -> how it ended, and names, one of which the message must have."""
    jobs = {
        "a missing channel": (plain_job.but(channels={ODD_CHANNEL: None}), list(plain_job.channels)),
    }
    if sample.invalid_hyperparameters:
        jobs["a bad hyperparameter"] = (
            plain_job.but(hyperparameters=plain_job.hyperparameters | sample.invalid_hyperparameters),
            list(sample.invalid_hyperparameters),
        )
    runs = {mistake: (engine.train(job), names) for mistake, (job, names) in jobs.items()}
    return {mistake: (finish(run, WAITS.endless), names) for mistake, (run, names) in runs.items()}


@pytest.mark.clause("T33")
def test_mistakes_end_the_job(refused):
    """A bad hyperparameter or a missing channel ends the job with a non-zero exit code."""
    for mistake, (finished, names) in refused.items():
        if finished.hung or finished.run.exit_code == 0:
            fail(
                f"A job with {mistake} ({' or '.join(names)}) "
                + ("does not end." if finished.hung else "counts as completed: its exit code is 0."),
                sent=finished.sent,
                got=finished.got,
                advice="Check hyperparameters and channels first, and end with exit code 1 when one is wrong.",
            )


@pytest.mark.clause("T32")
def test_failure_file(engine, refused):
    """A failed job says in /opt/ml/output/failure what was wrong."""
    judged = 0
    for mistake, (finished, names) in refused.items():
        if finished.hung or finished.run.exit_code == 0:
            continue  # T33, exit code
        judged += 1
        problem = failure_problem(finished.failure, names if engine.promises else [])
        if problem:
            fail(
                f"A job with {mistake} failed, as it should, but /opt/ml/output/failure {problem}.",
                sent=finished.sent,
                got=finished.got,
                advice="Write the error class and message to /opt/ml/output/failure (UTF-8) before you exit: its first "
                f"{REASON} characters become FailureReason, all that most users ever see.",
            )
    if not judged:
        pytest.skip("because the jobs with a mistake did not fail (T33)")
