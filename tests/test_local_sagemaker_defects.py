"""The tests of local-sagemaker catch its defects, each by the check that is meant for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import run
from local_sagemaker import LocalSageMaker
from mutations import Mutation, change, copied
from template import ONE_EACH
from test_local_sagemaker import (
    check_failure,
    check_interruption,
    check_lists,
    check_model_error,
    check_stop,
    check_transform,
    check_tuning,
)

FOLDER = "local_test/sagemaker"


def with_job(check: Callable[[LocalSageMaker, str], None]) -> Callable[[LocalSageMaker], None]:
    """Return a check that needs a finished training job, with one."""

    def checked(aws: LocalSageMaker) -> None:
        aws.api.create_training_job(**aws.job("trained"))
        aws.completed("trained")
        check(aws, "trained")

    return checked


def with_endpoint(check: Callable[[LocalSageMaker, str], None]) -> Callable[[LocalSageMaker], None]:
    """Return a check that needs a model and its endpoint, with both."""

    @with_job
    def checked(aws: LocalSageMaker, job: str) -> None:
        aws.model("served", job)
        aws.endpoint("served", "served")
        check(aws, "served")

    return checked


DEFECTS: dict[str, tuple[Mutation, Callable[[LocalSageMaker], None]]] = {
    "forgets the reason of a failure": (
        change(f"{FOLDER}/training.py", 'return f"AlgorithmError: {text}"', 'return "AlgorithmError: "'),
        check_failure,
    ),
    "keeps no model of a stopped job": (
        change(f"{FOLDER}/training.py", "if self._ending or not failed:", "if not (self._ending or failed):"),
        check_stop,
    ),
    "writes no checkpoint back": (
        change(
            f"{FOLDER}/training.py",
            "            if self.checkpoints:\n                self",
            "            if 0:\n                self",
        ),
        check_interruption,
    ),
    "gives an interrupted job no checkpoint": (
        change(
            f"{FOLDER}/training.py", "        if self.checkpoints:\n            self", "        if 0:\n            self"
        ),
        check_interruption,
    ),
    "does not tell a tuned job its objective": (
        change(f"{FOLDER}/tuning.py", ', "_tuning_objective_metric": objective}', "}"),
        check_tuning,
    ),
    "swaps the records of a batch": (
        change(f"{FOLDER}/transform.py", "batch.append(line)", "batch.insert(0, line)"),
        with_endpoint(check_transform),
    ),
    "hides what the container says": (
        change(f"{FOLDER}/hosting.py", "OriginalMessage=text", 'OriginalMessage="{}"'),
        with_endpoint(check_model_error),
    ),
    "shows the jobs of every region": (
        change(
            f"{FOLDER}/server.py",
            "if name not in self._regions:",
            'name = "all"\n            if name not in self._regions:',
        ),
        with_job(check_lists),
    ),
}


@pytest.fixture(scope="session")
def ready(project: Path) -> Path:
    """The project, with what its local processes need."""
    run("make", "environment", cwd=project)
    return project


@pytest.mark.frameworks(ONE_EACH[:1])
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_caught(ready: Path, defect: str, tmp_path: Path):
    break_it, check = DEFECTS[defect]
    broken = copied(ready, tmp_path / ready.name)
    break_it(broken)
    aws = LocalSageMaker(broken, tmp_path / "aws", "process")
    try:
        with pytest.raises((AssertionError, KeyError)):
            check(aws)
    finally:
        aws.end()
