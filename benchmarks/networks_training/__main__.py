"""Compares training by the generated project's `train` with a bare script of the same loop.

A long job shows what each step costs more, a job of one epoch what the start and the end do. Both programs run at the
same time, each on a CPU of its own, and swap CPUs in the next round: what slows the machine down meets both alike.
Every figure is a median over the rounds; differences and ratios are taken within each round. Linux only.
Usage, in benchmarks/: python -m networks_training {pytorch,tensorflow} [--rounds N] [--epochs N]
"""

import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from math import isclose
from pathlib import Path
from statistics import median

from common import program, results, sides
from common.environments import BUILD, pins
from common.processes import start
from common.projects import Project
from common.results import OURS, bar

HERE = Path(__file__).resolve().parent
TITLE = "Training networks, beside a bare script of the same loop"
FRAMEWORKS = ("pytorch", "tensorflow")
EPOCHS = 600  # of the long job: about a minute
SHORT_ROUNDS = 3  # jobs of one epoch for each long one
LONG, SHORT = "the long job", "the job of one epoch"
BARE = "bare script"
LESS, EACH = f"{OURS} less {BARE}", f"{OURS} / {BARE} in each round, in rising order"
CLOCKS = WALL, CPU = "wall s", "CPU s"
BAR_RATIO, BAR_SECONDS = 1.03, 0.3
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
THREADS += ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
Took = dict[str, float]  # seconds of the clock and of the CPU: {WALL: …, CPU: …}


class Contest:
    """A framework's two programs for the same job."""

    def __init__(self, framework: str) -> None:
        self.project = Project(framework, framework)
        self.project.generate()
        self.interpreter = self.project.interpreter()
        self.script = HERE / "peers" / f"bare_{framework}.py"

    def versions(self) -> dict[str, str]:
        """Return the versions of what both programs use."""
        pinned = pins(self.project.folder / "requirements.txt", *self.project.itself())
        return {name: pinned[name] for name in ("torch", "tensorflow-cpu", "keras", "numpy") if name in pinned}

    def race(self, epochs: int, cpus: tuple[int, int]) -> dict[str, Took]:
        """Run a job with both programs at once. Raises RuntimeError if one fails or if they learn differently."""
        bases = {name: BUILD / "training" / self.project.name / name for name in (BARE, OURS)}
        for base in bases.values():
            self.project.lay_out(base, {"epochs": str(epochs), "patience": str(epochs)})
        commands = {
            BARE: (self.interpreter, str(self.script), str(bases[BARE] / "input/data"), str(epochs)),
            OURS: (self.interpreter, str(self.project.folder / "runtime/train")),
        }
        took = at_once(commands, bases, cpus)
        learnt = {name: lowest_loss(base, epochs) for name, base in bases.items()}
        # Rounding differs, and over many epochs it counts.
        if not isclose(learnt[BARE], learnt[OURS], rel_tol=1e-4 if epochs == 1 else 0.03):
            raise RuntimeError(f"the sides learn differently: the lowest loss is {learnt}")
        return took

    def measure(self, rounds: int, epochs: int) -> dict[str, dict]:
        """Run all jobs; return their tables. Raises RuntimeError as `race` does."""
        first, second, *_ = sorted(os.sched_getaffinity(0))
        self.race(1, (first, second))  # files into the page cache
        found = {}
        for job, count, length in ((LONG, rounds, epochs), (SHORT, rounds * SHORT_ROUNDS, 1)):
            races = [self.race(length, (first, second) if number % 2 else (second, first)) for number in range(count)]
            found |= tables(job, races)
        return found


def at_once(commands: Mapping[str, Sequence[str]], bases: Mapping[str, Path], cpus: Sequence[int]) -> dict[str, Took]:
    """Run programs at the same time, each on one CPU; return what each took.

    What they print goes to log.txt in their folders. Raises RuntimeError if one fails.
    """
    running, took = {}, {}
    try:
        for (name, command), cpu in zip(commands.items(), cpus, strict=True):
            variables = {"SAGEMAKER_BASE_DIR": str(bases[name]), "PYTHONPATH": str(sides.PEERS)}
            started = time.perf_counter()
            process = start(
                ("taskset", "--cpu-list", str(cpu), *command), bases[name], variables | dict.fromkeys(THREADS, "1")
            )
            running[process.pid] = name, process, started
        while running:
            pid, status, used = os.wait4(-1, 0)
            name, process, started = running.pop(pid)
            took[name] = {WALL: time.perf_counter() - started, CPU: used.ru_utime + used.ru_stime}
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise RuntimeError(f"a training failed:\n{(bases[name] / 'log.txt').read_text()[-2000:]}")
    finally:
        for _, process, _ in running.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return took


def lowest_loss(base: Path, epochs: int) -> float:
    """Return the lowest validation loss that a job has printed. Raises RuntimeError unless all epochs are there."""
    text = (base / "log.txt").read_text()
    losses = [float(loss) for loss in re.findall(r"validation:mse=(\S+)", text)]
    if len(losses) != epochs:
        raise RuntimeError(f"a training failed:\n{text[-2000:]}")
    return min(losses)


def tables(job: str, races: list[dict[str, Took]]) -> dict[str, dict]:
    """Return the tables of a job: what both programs took, and the ratios of the rounds, which show what it is worth.

    The ratio and the difference are medians of those within the rounds, not those of the medians.
    """
    rows = {name: {clock: median(race[name][clock] for race in races) for clock in CLOCKS} for name in (BARE, OURS)}
    rows[LESS] = {clock: median(race[OURS][clock] - race[BARE][clock] for race in races) for clock in CLOCKS}
    ratios = {clock: sorted(race[OURS][clock] / race[BARE][clock] for race in races) for clock in CLOCKS}
    each = {
        str(number): dict(zip(ratios, of, strict=True))
        for number, of in enumerate(zip(*ratios.values(), strict=True), start=1)
    }
    return {
        job: results.table(len(races), rows, {BARE: {clock: median(of) for clock, of in ratios.items()}}),
        f"{job}: {EACH}": results.table(None, each),
    }


def bars(tables: dict) -> list[dict]:
    """Return the project's own limits."""
    ratio = tables[LONG]["ratios"][BARE][WALL]
    more = tables[SHORT]["rows"][LESS][WALL]
    return [
        bar(f"time of {LONG} over the bare script's", ratio, "x", at_most=BAR_RATIO),
        bar(f"time of {SHORT}, less the bare script's", more, "s", at_most=BAR_SECONDS),
    ]


def main() -> None:
    """Measure a framework and report."""
    parser = program.parser(__doc__, rounds=8)
    parser.add_argument("framework", choices=FRAMEWORKS)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of the long job (default: {EPOCHS})")
    arguments = parser.parse_args()
    program.prepare("taskset")

    contest = Contest(arguments.framework)
    found = results.new(vars(arguments), contest.versions())
    found["tables"] = contest.measure(arguments.rounds, arguments.epochs)
    found["bars"] = bars(found["tables"])
    results.save(HERE, TITLE, arguments.framework, found)


if __name__ == "__main__":
    main()
