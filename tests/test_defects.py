"""Each check of local_test catches a mistake of the reference container, and fails for no other mistake.

The reference is in tests/reference: a container that obeys the whole contract, and the mistakes that it can be told to
make. Every check gives the same verdict alone as in its section, and a section the same as in the whole suite.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from reference.mistakes import ENGINES, IMPOSSIBLE, MISTAKES
from reference.runs import REFERENCE, Outcome, Project
from template import LAYERS

# Checks of other sections, which must pass beside those that a mistake is meant for.
CANARIES = ("test_trains_on_the_sample", "test_failure_file", "test_sample_requests")
# Mistakes of different sections with which the whole suite is run.
WHOLE = (
    "distribution_must_be_given",
    "checkpoint_forgets_the_velocity",
    "every_host_saves_the_model",
    "custom_attributes_must_be_json",
    "dead_workers_are_not_replaced",
)


@dataclass(frozen=True)
class Check:
    """A check of local_test: where it is, and the engines in which it runs."""

    module: str
    name: str
    engines: tuple[str, ...]

    @property
    def address(self) -> str:
        """How pytest is told to run it alone."""
        return f"{self.module}::{self.name}"


def functions(file: Path) -> list[ast.FunctionDef]:
    """Return the functions of a module."""
    return [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]


def checks() -> Iterator[Check]:
    """Yield the checks of local_test. Those that have the fixture `docker` do not run in processes."""
    for file in sorted(LAYERS.glob("_shared/local_test/test_*.py")):
        for function in functions(file):
            if function.name.startswith("test_"):
                of_images = "docker" in {argument.arg for argument in function.args.args}
                yield Check(f"local_test/{file.name}", function.name, ("docker",) if of_images else ENGINES)


CHECKS = {check.name: check for check in checks()}
# For each engine and check the first mistake that is meant for it.
MEANT_FOR = {
    (engine, mistake.checks[0]): name for name, mistake in reversed(MISTAKES.items()) for engine in mistake.engines
}

Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def project_of_reference(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The reference as a project."""
    return Project(tmp_path_factory.mktemp("reference"))


@pytest.fixture
def local_test(project_of_reference: Project, request: pytest.FixtureRequest) -> Run:
    """Return a function that runs checks in an engine, with a mistake or none."""

    def run(engine: str, name: str | None, *selected: str, hosts: int = 1) -> Outcome:
        mistake = MISTAKES[name] if name else None
        options = ["--engine", engine, "--hosts", str(hosts), *(mistake.options if mistake else ())]
        if engine == "docker":
            options += ["--image", request.getfixturevalue("images").of(mistake)]
        else:
            project_of_reference.make(mistake)
        return project_of_reference.local_test(*selected, *options)

    return run


def hosts_for(module: str) -> int:
    """Return on how many hosts the checks of a module train."""
    return 2 if module == "local_test/test_hosts.py" else 1


def expect(outcome: Outcome, name: str) -> None:
    """Expect the failures of a mistake, in their order, the first with its words."""
    mistake = MISTAKES[name]
    assert list(outcome.failed) == list(mistake.checks), outcome.output
    assert mistake.words in outcome.failed[mistake.checks[0]], outcome.output


@pytest.mark.parametrize("engine", ENGINES)
def test_each_check_has_a_mistake_that_is_meant_for_it(engine: str):
    wanted = {name for name, check in CHECKS.items() if engine in check.engines and (engine, name) not in IMPOSSIBLE}
    assert {check for one, check in MEANT_FOR if one == engine} == wanted


def test_each_defect_of_the_reference_is_a_mistake():
    found = {
        function.name
        for file in (REFERENCE / "runtime").glob("*_defects.py")
        for function in functions(file)
        if function.decorator_list
    }
    assert found == {mistake.defect for mistake in MISTAKES.values() if mistake.defect}


def in_engine(engine: str, value: object, name: str) -> object:
    """Return a parameter of a test that is run in an engine."""
    return pytest.param(value, id=name, marks=[pytest.mark.docker] if engine == "docker" else [])


@pytest.mark.parametrize("engine", [in_engine(engine, engine, engine) for engine in ENGINES])
def test_nothing_fails_without_a_mistake(local_test: Run, engine: str):
    outcome = local_test(engine, None, "local_test", hosts=3)
    assert not outcome.failed, outcome.output
    assert set(outcome.skipped) == {name for name, check in CHECKS.items() if engine not in check.engines}


@pytest.mark.parametrize("name", [in_engine(mistake.engines[0], name, name) for name, mistake in MISTAKES.items()])
def test_a_mistake_fails_what_it_should_in_its_section(local_test: Run, name: str):
    """In processes, which start in no time; in containers what shows only there."""
    own = {CHECKS[check].module for check in MISTAKES[name].checks}
    canaries = [CHECKS[name].address for name in CANARIES if CHECKS[name].module not in own]
    outcome = local_test(MISTAKES[name].engines[0], name, *sorted(own), *canaries, hosts=max(map(hosts_for, own)))
    expect(outcome, name)


@pytest.mark.docker
@pytest.mark.parametrize("name", [name for name in MISTAKES if MISTAKES[name].engines == ENGINES])
def test_a_mistake_fails_the_same_in_containers(local_test: Run, name: str):
    checks = [CHECKS[check] for check in MISTAKES[name].checks]
    hosts = max(hosts_for(check.module) for check in checks)
    expect(local_test("docker", name, *(check.address for check in checks), hosts=hosts), name)


@pytest.mark.parametrize("name", WHOLE)
def test_a_mistake_fails_nothing_else_in_the_whole_suite(local_test: Run, name: str):
    expect(local_test("process", name, "local_test", hosts=2), name)


@pytest.mark.parametrize("check", [in_engine(check.engines[0], check, name) for name, check in CHECKS.items()])
def test_a_check_gives_the_same_verdict_alone(local_test: Run, check: Check):
    engine = check.engines[0]
    sound = local_test(engine, None, check.address, hosts=hosts_for(check.module))
    assert sound.passed == [check.name], sound.output
    name = MEANT_FOR[engine, check.name]
    broken = local_test(engine, name, check.address, hosts=hosts_for(check.module))
    assert list(broken.failed) == [check.name], broken.output
    assert MISTAKES[name].words in broken.failed[check.name]
