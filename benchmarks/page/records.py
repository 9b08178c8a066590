"""What docs/performance.md shows of the suites' results.json, whatever runs these hold."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.compare import START, load_title
from common.environments import BENCHMARKS
from common.results import OURS, Rows, number

HEADLINE = "serving"  # the suite that comes first
LOAD = re.compile(rf"(?:(.+): )?{re.escape(load_title(8))}")
COLUMNS = ("requests/s", "p99 ms", "first answer s", "memory MB")
DRAWN = COLUMNS[:2]
CPU = "CPU µs/request"
SECONDS = {"s", "wall s"}


@dataclass(frozen=True)
class Race:
    """Servers under the same load: one row for each request, over 8 connections. `rows` has the columns of results."""

    suite: str
    title: str
    run: Mapping
    rounds: int
    rows: Rows

    @property
    def plot(self) -> str:
        """The name of its plot's file."""
        return f"{self.suite}-{re.sub('[^a-z0-9]+', '-', self.title.lower())}.svg"

    def shown(self) -> Rows:
        """Return the figures of its table."""
        return {side: {c: row[c] for c in COLUMNS if c in row} for side, row in self.rows.items()}

    def labels(self) -> list[str]:
        """Return all that is written in its plot."""
        figures = [number(row[column]) for row in self.rows.values() for column in DRAWN]
        return [*self.rows, *DRAWN, *figures]


@dataclass(frozen=True)
class Time:
    """How many seconds the template takes for what a peer does too.

    `ratio` is that of the record: where both sides ran in the same rounds, a median of theirs.
    """

    what: str
    ours: float
    peer: str
    theirs: float
    ratio: float


def suites() -> dict[str, dict[str, dict]]:
    """Return the runs of every suite: suite -> run -> what results.json has of it; the headline first."""
    files = sorted(BENCHMARKS.glob("*/results.json"), key=lambda file: (file.parent.name != HEADLINE, file))
    return {file.parent.name: json.loads(file.read_text()) for file in files}


def title(suite: str) -> str:
    """Return what a suite calls itself."""
    return (BENCHMARKS / suite / "results.md").read_text().partition("\n")[0].removeprefix("# ")


def races(suite: str, runs: Mapping[str, dict]) -> Iterator[Race]:
    """Yield the comparisons of servers that a suite has recorded."""
    for name, run in runs.items():
        for heading, table in run["tables"].items():
            if found := LOAD.fullmatch(heading):
                of = found[1]
                start = run["tables"].get(f"{of}: {START}" if of else START, {"rows": {}})["rows"]
                rows = {side: {**row, **start.get(side, {})} for side, row in table["rows"].items()}
                yield Race(suite, name if of in (None, name) else f"{name}: {of}", run, table["rounds"], rows)


def times(runs: Mapping[str, dict]) -> Iterator[Time]:
    """Yield the times that a suite has recorded beside those of peers."""
    for name, run in runs.items():
        for heading, table in run["tables"].items():
            rows = table["rows"]
            for peer, ratios in table["ratios"].items():
                for column in ratios.keys() & SECONDS:
                    what = heading if len(runs) == 1 else f"{name}: {heading}"
                    yield Time(what, rows[OURS][column], peer, rows[peer][column], ratios[column])


def missed(runs: Mapping[str, dict]) -> list[dict]:
    """Return the bars that a suite's runs have missed."""
    return [bar for run in runs.values() for bar in run["bars"] if bar["verdict"] == "MISSED"]


def plots_folder() -> Path:
    """Return where the plots are kept."""
    return BENCHMARKS.parent / "docs/plots"
