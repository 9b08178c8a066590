"""Options of the suite, and the fixtures that every check may want. The shared runs are in the three `*_runs.py`."""

from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from . import about, contract, interrupts, platforms, selection, waits
from .engines import CHOICES, open_engine
from .engines.base import Engine
from .errors import SetupError
from .explain import BEYOND, fail
from .report import SECTIONS, Report
from .sample import FOLDER, Sample, load

pytest_plugins = ("local_test.training_runs", "local_test.hosts_runs", "local_test.serving_runs")

PROJECT = Path(__file__).resolve().parent.parent

MOST_HOSTS = 20

ENGINE = pytest.StashKey[Engine]()
SAMPLE = pytest.StashKey[Sample]()
DRAWING = pytest.StashKey[str]()


def host_count(text: str) -> int:
    """Read the value of --hosts."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_HOSTS:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST_HOSTS}")
    return int(text)


def pytest_addoption(parser):
    """Add the suite's options."""
    group = parser.getgroup("local_test")
    group.addoption("--engine", choices=CHOICES, help="default: docker where a daemon answers, else process")
    group.addoption("--image", metavar="NAME:TAG", help="the image that the docker engine tests")
    group.addoption("--gpus", action="store_true", help="give the containers this machine's NVIDIA GPUs")
    group.addoption(
        "--hosts",
        type=host_count,
        default=1,
        metavar="N",
        help="with 2 or more: also train on so many hosts (default: %(default)s)",
    )
    group.addoption("--sample", type=Path, default=FOLDER, metavar="DIR", help="default: %(default)s")
    group.addoption("--short-waits", action="store_true", help="wait seconds, not minutes, for what is broken")
    group.addoption(
        "--platform", default=platforms.SAGEMAKER, help="the platform the image is meant for (default: %(default)s)"
    )
    group.addoption(
        "--stop-within",
        type=float,
        metavar="SECONDS",
        help=f"be stricter than SageMaker, which gives {contract.STOP_TRAINING} s (training) and "
        f"{contract.STOP_SERVING} s (serving) after SIGTERM",
    )


def pytest_configure(config):
    """Load the sample, open the engine and register the report. Raises UsageError where one of them cannot be had."""
    config.addinivalue_line("markers", "clause(*ids): the clauses of the contract that a check holds")
    config.option.keyword = selection.expression(config.option.keyword)
    if config.option.collectonly or config.option.help:
        return
    interrupts.listen()
    if config.option.short_waits:
        waits.shorten()
    try:
        options = config.option
        config.stash[SAMPLE] = load(options.sample)
        config.stash[ENGINE] = open_engine(options.engine, options.image, PROJECT, gpus=options.gpus)
        if config.option.hosts > 1:
            config.stash[ENGINE].host_names(config.option.hosts)  # raises where they cannot be had
    except SetupError as error:
        raise pytest.UsageError(str(error)) from None
    engine = config.stash[ENGINE]
    if not config.option.xmlpath:
        config.option.xmlpath = str(PROJECT / "local_test/junit.xml")
    facts = about.facts(engine, PROJECT)
    config.pluginmanager.register(Report(config, engine.name, engine.target, facts, PROJECT / "local_test/report.html"))


def pytest_unconfigure(config):
    """Remove all that the engine has started."""
    if engine := config.stash.get(ENGINE, None):
        with interrupts.held():
            engine.close()


def pytest_itemcollected(item):
    """Let -k select a check by its clauses and by the words of its sentence."""
    selection.offer(item)


def pytest_collection_modifyitems(config, items):
    """Leave out the checks that this run has nothing for, and sort the others by section."""
    sample = config.stash.get(SAMPLE, None)
    unwanted = [
        item
        for item in items
        if (item.path.stem == "test_hosts" and config.option.hosts == 1)
        or ("draw" in item.fixturenames and sample and sample.plot is None)
    ]
    config.hook.pytest_deselected(items=unwanted)
    items[:] = [item for item in items if item not in unwanted]
    order = list(SECTIONS)
    items.sort(key=lambda item: order.index(item.path.stem) if item.path.stem in SECTIONS else len(order))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add what the report needs of a check; end the suite where the engine is lost."""
    report = yield
    report.clauses, report.sentence = selection.clauses(item), selection.sentence(item)
    report.drawing = item.stash.get(DRAWING, "")
    if call.excinfo and call.excinfo.errisinstance(SetupError):
        report.longrepr = f"local_test itself could not continue: {call.excinfo.value}"
    # Without its engine this check fails for no fault of the image, and so would all that follow.
    if report.failed and (lost := item.config.stash[ENGINE].lost()):
        report.longrepr = "This check could not be finished."
        item.session.shouldstop = str(lost)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fail a check that left a request without an answer, whatever it looked at."""
    engine = item.config.stash[ENGINE]
    engine.take_unanswered()  # those of its fixtures, which have judged them
    result = yield
    for exchange in engine.take_unanswered():
        fail(
            "A request got no answer.",
            sent=exchange.sent,
            got=exchange.got,
            advice="Read the log above and the stacks of the processes: one of them waits, or has crashed.",
        )
    return result


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Engine:
    """The engine that starts `train` and `serve`."""
    return pytestconfig.stash[ENGINE]


@pytest.fixture(scope="session")
def docker(engine: Engine) -> Engine:
    """The docker engine, for what only an image has."""
    if engine.name != "docker":
        pytest.skip("needs the docker engine")
    return engine


@pytest.fixture(scope="session")
def promised(engine: Engine) -> None:
    """Skips checks of what only this template promises, for images that were not made from it."""
    if not engine.promises:
        pytest.skip(BEYOND)


@pytest.fixture(scope="session")
def sample(pytestconfig: pytest.Config) -> Sample:
    """The sample of --sample."""
    return pytestconfig.stash[SAMPLE]


@pytest.fixture(scope="session")
def stop_within(pytestconfig):
    """Return the seconds a program gets to end after SIGTERM: SageMaker's, or fewer if the user wants."""
    return lambda seconds: min(seconds, pytestconfig.option.stop_within or seconds)


@pytest.fixture
def draw(request):
    """Return a function that puts an SVG below its check in report.html."""

    def keep(svg: str) -> None:
        request.node.stash[DRAWING] = svg

    return keep


@pytest.fixture
def figure(record_property):
    """Return a function that puts a measured figure into the reports, by its name: "time to first ping", "0.4 s"."""
    return record_property
