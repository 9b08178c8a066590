"""local_test on images that were not made from this template: they fail for SageMaker's clauses only.

tests/golden/foreign says which checks fail each of the images of tests/foreign, and which are not held against it
because only this template promises what they ask for. docs/any-image.md says why. An image of gigabytes is tried by
hand: SM_ALGO_FOREIGN=mlflow.
"""

import ast
import json
import os
from pathlib import Path

import pytest
from commands import run
from reference.runs import Suite
from template import LAYERS, ROOT

FOREIGN, GOLDEN = ROOT / "tests/foreign", ROOT / "tests/golden/foreign"
BY_HAND = "mlflow"
IN_CI = ("classic", "inference-server")
CHOSEN = os.environ.get("SM_ALGO_FOREIGN", " ".join(IN_CI)).split()


def clauses() -> dict[str, str]:
    """Return the clauses of each check of local_test, as it prints them."""
    found = {}
    for file in LAYERS.glob("_shared/local_test/test_*.py"):
        for check in ast.parse(file.read_text()).body:
            if isinstance(check, ast.FunctionDef) and check.name.startswith("test_"):
                (marked,) = [one.args for one in check.decorator_list if ast.unparse(one.func).endswith(".clause")]
                found[check.name] = " ".join(clause.value for clause in marked)
    return found


def golden(name: str) -> dict:
    """Return what is expected of an image."""
    return json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.mark.parametrize("name", CHOSEN)
def test_an_image_fails_for_the_clauses_that_it_breaks(name: str, docker: str, tmp_path: Path):
    """SM_ALGO_GOLDEN=write writes down what fails, to be looked at by hand before it is committed."""
    image = f"sm-algo-test-{name}"
    run(docker, "build", "--tag", image, str(FOREIGN / name))
    sample = FOREIGN / name / "sample"
    outcome = Suite(tmp_path / "suite").local_test(
        "local_test", "--engine", "docker", "--image", image, f"--sample={sample}"
    )
    clause = clauses()
    made = {
        "fails": {check: clause[check] for check in outcome.failed},
        "has not promised": [check for check, why in outcome.skipped.items() if "only images of this template" in why],
    }
    if os.environ.get("SM_ALGO_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / f"{name}.json").write_text(json.dumps(made, indent=1) + "\n")
    assert made == golden(name), outcome.output
    untrained = {why for why in outcome.skipped.values() if why.startswith("only serving is checked")}
    assert len(untrained) == (0 if (sample / "training").exists() else 1), outcome.output


def test_the_page_on_any_image_has_each_failure():
    rows = [line.split("|")[1:-1] for line in (ROOT / "docs/any-image.md").read_text().splitlines() if "`test_" in line]
    images = [*IN_CI, BY_HAND]
    shown = {name: {} for name in images}
    for clause, check, *why in rows:
        for name, reason in zip(images, why, strict=True):
            if reason.strip():
                shown[name][check.strip().strip("`")] = clause.strip()
    assert shown == {name: golden(name)["fails"] for name in images}
