"""The suite's report: a line for each check that has finished, a summary with the causes, and report.html."""

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from textwrap import indent

import pytest
from _pytest._io import TerminalWriter

from . import html, selection
from .progress import Watch
from .tracebacks import Shown

SECTIONS = {
    "test_image": "Image",
    "test_training": "Training",
    "test_variations": "Training, other forms",
    "test_failures": "Training that must fail",
    "test_interruption": "Interrupted training",
    "test_hosts": "Several hosts",
    "test_serving": "Serving",
    "test_requests": "Requests",
    "test_load": "Load",
    "test_batch": "Batch transform",
    "test_robustness": "Robustness",
    "test_processing": "Processing",
}  # in the order they are run
OWN_SECTION = "Your own checks"  # modules that a project adds
STYLES = {"passed": {"green": True}, "failed": {"red": True}, "skipped": {"yellow": True}}


@dataclass
class Check:
    """A check that has finished: outcome is passed, failed or skipped; `message` says why it has not passed.

    `name` is that of its function, `reason` the message in one line.
    """

    section: str
    name: str
    clauses: tuple[str, ...]
    sentence: str
    outcome: str = "passed"
    message: str = ""
    reason: str = ""
    seconds: float = 0.0
    figures: list[tuple[str, str]] = field(default_factory=list)
    drawing: str = ""  # SVG


def reason_of(report: pytest.TestReport) -> str:
    """Return in one line why a check failed: what it says itself, or the exception that ended it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    words = crash.message.removeprefix("Failed: ") if crash else report.longreprtext
    return words.partition("\n")[0]


def skip_reason(report: pytest.TestReport) -> str:
    """Return why a check was skipped."""
    words = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return words.removeprefix("Skipped: ")


def checked(phases: Sequence[pytest.TestReport]) -> Check:
    """Return a check of pytest's reports on it: of its setup, of its call if it came to that, of its teardown."""
    first, last = phases[0], phases[-1]
    section = SECTIONS.get(Path(first.location[0]).stem, OWN_SECTION)
    check = Check(section, first.location[2], first.clauses, first.sentence)
    for report in phases:
        if report.failed:
            check.outcome, check.message, check.reason = "failed", report.longreprtext, reason_of(report)
        elif report.skipped and check.outcome == "passed":
            check.outcome, check.message = "skipped", skip_reason(report)
            check.reason = check.message
    check.seconds = sum(report.duration for report in phases)
    check.figures = [(name, str(value)) for name, value in last.user_properties]
    check.drawing = last.drawing
    return check


class Report:
    """A pytest plugin that takes the place of pytest's own progress and summary.

    `facts` say what was tested with what, as (name, value).
    """

    def __init__(self, config: pytest.Config, engine: str, target: str, facts: list[tuple[str, str]], file: Path):
        self.engine, self.target, self.facts, self.file = engine, target, facts, file
        self.xml = Path(config.option.xmlpath)
        self.config = config
        self.checks: list[Check] = []
        self.interrupted = False
        self.started = time.monotonic()
        self.date = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        self._phases: list[pytest.TestReport] = []  # of the check that runs
        self._section = ""  # that was printed last
        self._sentences: dict[str, str] = {}
        self._tracebacks = Shown()
        self._screen = os.dup(1)  # while a check runs, pytest keeps what is written to standard output
        self._watching = ExitStack()  # ends the watch over the check that runs
        # A terminal may not know these signs (Windows, LANG=C).
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        try:
            "".join(html.SIGNS.values()).encode(encoding)
            self.signs = html.SIGNS
        except UnicodeEncodeError:
            self.signs = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}

    @cached_property
    def writer(self) -> TerminalWriter:
        """Where the report is printed."""
        return self.config.get_terminal_writer()

    @property
    def counts(self) -> Counter[str]:
        """Outcome -> number of checks."""
        return Counter(check.outcome for check in self.checks)

    @property
    def figures(self) -> list[tuple[str, str]]:
        """All measured figures, as (name, value)."""
        return [figure for check in self.checks for figure in check.figures]

    @property
    def seconds(self) -> float:
        """Seconds since the suite was started."""
        return time.monotonic() - self.started

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say what is tested, and how many checks there are."""
        self._sentences = {item.nodeid: selection.sentence(item) for item in session.items}
        how = "in containers of the image" if self.engine == "docker" else "as local processes, without Docker:"
        self.writer.line(f"local_test runs train and serve {how} {self.target}", bold=True)
        self.writer.line(f"and checks them against SageMaker's contract: {len(session.items)} checks.")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Show the check that runs, and watch over it."""
        sentence = self._sentences[nodeid]
        width = self.writer.fullwidth - 1 if self.writer.hasmarkup else 0
        if width:
            self.writer.write(f"  … {sentence}"[:width], flush=True)
        self._phases = []
        self._watching.callback(Watch(sentence, self._screen, width).end)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of a phase of a check: setup, call or teardown; print the check after the last of them."""
        self._phases.append(report)
        if report.when == "teardown":
            self._watching.close()
            self.checks.append(checked(self._phases))
            self._print(self.checks[-1])

    def _print(self, check: Check) -> None:
        """Print a check that has run. Those that were skipped are in the summary, where one reason is one line."""
        self.writer.write("\r\x1b[K" if self.writer.hasmarkup else "")
        if check.outcome == "skipped":
            return
        if check.section != self._section:
            self._section = check.section
            self.writer.line(f"\n{check.section}", bold=True)
        self.writer.write(f"  {self.signs[check.outcome]} ", **STYLES[check.outcome])
        clauses = " ".join(check.clauses)
        took = html.took(check.seconds)
        self.writer.line(f"{clauses:<11} {check.sentence}" + (f" ({took})" if took else ""))
        if check.outcome == "failed":
            message = self._tracebacks.without(check.message, check.name)
            self.writer.line(indent(f"{check.name}\n{message}", " " * 16), red=True)
        self.writer.flush()

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        """Return a category of its own, which keeps pytest from printing the failures a second time."""
        return f"local_test {report.outcome}", "", ""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write report.html, and print the summary."""
        if not self.counts["passed"] and not self.counts["failed"] and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
        if not self._sentences:
            self._nothing_selected(session)
            return
        self._watching.close()
        self.interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        self.file.write_text(html.page(self), encoding="utf-8")
        self._summary()

    def _nothing_selected(self, session: pytest.Session) -> None:
        """Say why no check was run."""
        if self.config.option.keyword:
            self.writer.line(f"No check matches what -k asks for. {selection.HOW}.", red=True)
        if self.config.option.hosts == 1:
            self.writer.line("The checks of several hosts need --hosts 2 or more (make local-test HOSTS=2).")

    def _summary(self) -> None:
        line = self.writer.line
        line(f"\n{'':23} {'passed':>7} {'failed':>7} {'skipped':>8}", bold=True)
        for section in dict.fromkeys(check.section for check in self.checks):
            counts = Counter(check.outcome for check in self.checks if check.section == section)
            row = f"{section:<23} {counts['passed']:>7} {counts['failed']:>7} {counts['skipped']:>8}"
            line(row, red=bool(counts["failed"]))
        for name, value in self.figures:
            line(f"  {name}: {value}")
        for reason, count in Counter(check.reason for check in self.checks if check.outcome == "skipped").items():
            line(f"{self.signs['skipped']} {count} skipped: {reason}", yellow=True)
        failed = [check for check in self.checks if check.outcome == "failed"]
        for check in failed:
            line(f"{self.signs['failed']} {' '.join(check.clauses)}: {check.sentence} ({check.name})", red=True)
            line(f"    {check.reason}", red=True)
        words = f"{len(failed)} failed" if failed else "nothing failed" if self.counts["passed"] else "nothing was run"
        words += ", interrupted" if self.interrupted else ""
        line(
            f"{self.counts['passed']} passed, {words}, {self.counts['skipped']} skipped in {self.seconds:.1f} s; "
            f"details: {self.file} and {self.xml}",
            bold=True,
            green=not failed and not self.interrupted,
            red=bool(failed),
        )
