"""local_test catches broken projects: each mutant fails the checks of the clause that it breaks.

That every check catches a mistake is shown on the reference container (test_defects.py). Here is what only a real
framework can show: gradients that must be averaged, an optimizer whose state is part of a checkpoint.
"""

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from commands import run
from mutations import change, copied
from template import MATRIX
from test_project import outcomes

# framework -> name -> (mutation, the checks that must fail, words that their messages must hold)
MUTANTS = {
    "pytorch": {
        "each host trains alone on its share": (
            change(
                "runtime/distributed/distribution.py",
                "    if not dist.is_initialized():\n        return network\n",
                "    return network\n",
            ),
            {"test_same_model_as_on_one_host"},
            ["hosts_tolerance"],
        ),
        "a checkpoint forgets the optimizer's state": (
            change("algorithm.py", '        optimizer.load_state_dict(state["optimizer"])\n', ""),
            {"test_resumes_from_checkpoint"},
            ["validation:mse"],
        ),
    }
}
# What must go on passing with every mutant.
CANARIES = {"test_trains_on_the_sample", "test_sample_requests"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every mutant on its framework."""
    if "mutant" not in metafunc.fixturenames:
        return
    cases = [
        pytest.param(language, framework, mutant, id=f"{framework}-{mutant}")
        for language, framework in MATRIX
        for mutant in MUTANTS.get(framework, ())
    ]
    metafunc.parametrize(("language", "framework", "mutant"), cases, scope="session")


def test_a_mutant_fails_the_clause_that_it_breaks(framework: str, mutant: str, project: Path, tmp_path: Path):
    mutate, checks, words = MUTANTS[framework][mutant]
    run("make", "environment", "local_test/.venv/ready", cwd=project)
    broken = copied(project, tmp_path / "broken")
    mutate(broken)

    selection = " or ".join(checks | CANARIES)
    result = subprocess.run(
        ["make", "local-test", "ENGINE=process", "HOSTS=2", f"ARGS=--stop-within 10 -k '{selection}'"],
        cwd=broken,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    found = outcomes(broken)
    assert (set(found["failed"]), set(found["passed"])) == (checks, CANARIES), result.stdout
    cases = ET.parse(broken / "local_test/junit.xml").iter("testcase")
    messages = [case.find("failure").text for case in cases if case.find("failure") is not None]
    assert all(any(word in message for message in messages) for word in words), messages
