"""Compares training by the generated project's `train` with a bare script of the same loop, side by side.

A long job shows what each step costs more, a job of one epoch what the start and the end do. Both programs run at the
same time, each on a CPU of its own, and swap CPUs in the next round: what slows the machine down meets both alike.
Every figure is a median over the rounds. Linux only.
Prints tables and writes training.json and training.md beside this file.
Usage: python benchmarks/networks/training.py [pytorch] [tensorflow] [--rounds N] [--epochs N]
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from math import isclose
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import sides  # noqa: E402
from measure import facts  # noqa: E402
from sides import NETWORKS, PEERS  # noqa: E402

EPOCHS = {"pytorch": 600, "tensorflow": 600}  # of the long job: about a minute
SHORT_ROUNDS = 3  # jobs of one epoch for each long one
LONG, SHORT = "long", "one epoch"
BARE, OURS = "bare script", "runtime/train"
CLOCKS = ("wall", "cpu")
BAR_SHARE, BAR_SECONDS = 0.03, 0.3
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
THREADS += ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class Took:
    """What a job took: seconds of the clock and of its CPU."""

    wall: float
    cpu: float


class Contest:
    """A framework's two programs for the same job."""

    def __init__(self, framework: str) -> None:
        self.workload = NETWORKS[framework]
        self.project = sides.generate(self.workload)
        self.interpreter = sides.interpreter_of(self.project, self.workload)
        self.script = PEERS / f"bare_{framework}.py"

    def versions(self) -> dict[str, str]:
        """The versions of what both programs use."""
        pins = sides.pins(self.project / "requirements.txt", *sides.framework_itself(self.project))
        return {
            name: version for name, version in pins.items() if name in ("torch", "tensorflow-cpu", "keras", "numpy")
        }

    def race(self, epochs: int, cpus: tuple[int, int]) -> dict[str, Took]:
        """Run a job with both programs at once. Raises RuntimeError if one fails or if they learn differently."""
        values = {"epochs": str(epochs), "patience": str(epochs)}
        prepared = sides.job(self.workload, self.project)
        (prepared / "input/config/hyperparameters.json").write_text(json.dumps(values))
        bases = {program: sides.BUILD / "training" / self.project.parent.name / program for program in (BARE, OURS)}
        for base in bases.values():
            shutil.rmtree(base, ignore_errors=True)
            shutil.copytree(prepared, base)
        commands = {
            BARE: (self.interpreter, str(self.script), str(bases[BARE] / "input/data"), str(epochs)),
            OURS: (self.interpreter, str(self.project / "runtime/train")),
        }
        with ThreadPoolExecutor(len(commands)) as pool:
            runs = {
                program: pool.submit(timed, command, bases[program], cpu)
                for (program, command), cpu in zip(commands.items(), cpus, strict=True)
            }
        took = {program: run.result() for program, run in runs.items()}
        learnt = {program: lowest_loss(base, epochs) for program, base in bases.items()}
        # Rounding differs, and over many epochs it counts.
        if not isclose(learnt[BARE], learnt[OURS], rel_tol=1e-4 if epochs == 1 else 0.03):
            raise RuntimeError(f"the sides learn differently: the lowest loss is {learnt}")
        return took

    def measure(self, rounds: int, epochs: int) -> dict[str, dict[str, list[Took]]]:
        """Run all jobs; job -> program -> what it took in each round. Raises RuntimeError as `race` does."""
        found: dict[str, dict[str, list[Took]]] = {job: {BARE: [], OURS: []} for job in (LONG, SHORT)}
        first, second, *_ = sorted(os.sched_getaffinity(0))
        self.race(1, (first, second))  # files into the page cache
        for job, count, length in ((LONG, rounds, epochs), (SHORT, rounds * SHORT_ROUNDS, 1)):
            for number in range(count):
                took = self.race(length, (first, second) if number % 2 else (second, first))
                for program in found[job]:
                    found[job][program].append(took[program])
        return found


def timed(command: Sequence[str], base: Path, cpu: int) -> Took:
    """Run a job on one CPU and say what it took; what it prints goes to log.txt. Raises RuntimeError if it fails."""
    variables = {"SAGEMAKER_BASE_DIR": str(base)} | dict.fromkeys(THREADS, "1")
    os.sched_setaffinity(0, {cpu})  # of this thread, from which the program inherits it
    with (base / "log.txt").open("w") as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=os.environ | variables, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"a training failed:\n{(base / 'log.txt').read_text()[-2000:]}")
    return Took(wall, used.ru_utime + used.ru_stime)


def lowest_loss(base: Path, epochs: int) -> float:
    """The lowest validation loss that a job has printed. Raises RuntimeError unless all epochs are there."""
    text = (base / "log.txt").read_text()
    losses = [float(loss) for loss in re.findall(r"validation:mse=(\S+)", text)]
    if len(losses) != epochs:
        raise RuntimeError(f"a training failed:\n{text[-2000:]}")
    return min(losses)


def middle(rounds: list[Took]) -> dict[str, float]:
    """The medians of several rounds."""
    return {field.name: median(getattr(took, field.name) for took in rounds) for field in fields(Took)}


def over(of: dict[str, list[Took]], clock: str) -> dict[str, float | list[float]]:
    """How much more ours takes than the bare script beside it: medians over the rounds, in seconds and as a share.

    `shares` are those of the rounds, in rising order: they show what the median is worth.
    """
    pairs = [(getattr(bare, clock), getattr(ours, clock)) for bare, ours in zip(of[BARE], of[OURS], strict=True)]
    shares = sorted(ours / bare - 1 for bare, ours in pairs)
    return {"seconds": median(ours - bare for bare, ours in pairs), "share": median(shares), "shares": shares}


def summary(jobs: dict[str, dict[str, list[Took]]]) -> dict[str, dict]:
    """What is reported of each job: the medians of both programs, and how much more ours takes."""
    return {
        job: {program: middle(rounds) for program, rounds in of.items()}
        | {"over": {clock: over(of, clock) for clock in CLOCKS}, "rounds": len(of[OURS])}
        for job, of in jobs.items()
    }


def bars(result: dict) -> list[tuple[str, str, bool]]:
    """The project's own limits: what is wanted, what was measured, whether it is met."""
    found = []
    for framework, of in result.items():
        long, short = (of["jobs"][job]["over"] for job in (LONG, SHORT))
        got = f"{long['wall']['share']:+.1%}, {long['cpu']['share']:+.1%} of CPU time"
        met = long["wall"]["share"] <= BAR_SHARE
        found.append((f"{framework}: the long job at most {BAR_SHARE:.0%} longer", got, met))
        got = f"{short['wall']['seconds']:+.2f} s, {short['cpu']['seconds']:+.2f} s of CPU time"
        met = short["wall"]["seconds"] <= BAR_SECONDS
        found.append((f"{framework}: the job of one epoch at most {BAR_SECONDS} s longer", got, met))
    return found


def report(result: dict) -> str:
    """The result as Markdown tables."""
    lines = ["# Training, beside a bare script of the same loop", ""]
    for framework, of in result.items():
        machine = ", ".join(f"{name} {value}" for name, value in of["machine"].items())
        lines += [f"## {framework}", "", f"Medians on: {machine}.", ""]
        lines += ["| job | rounds | program | wall s | CPU s |", "|---|--:|---|--:|--:|"]
        for job, one in of["jobs"].items():
            name = f"{of['epochs']} epochs" if job == LONG else job
            for program in (BARE, OURS):
                took = one[program]
                lines.append(f"| {name} | {one['rounds']} | {program} | {took['wall']:.2f} | {took['cpu']:.2f} |")
        shares = ", ".join(f"{share:+.1%}" for share in of["jobs"][LONG]["over"]["wall"]["shares"])
        rising = f"How much longer runtime/train took for {of['epochs']} epochs, the rounds in rising order: {shares}."
        lines += ["", rising, ""]
    lines += ["## Budgets", "", "| wanted | measured | |", "|---|--:|---|"]
    lines += [f"| {wanted} | {got} | {'met' if met else 'MISSED'} |" for wanted, got, met in bars(result)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure everything and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("frameworks", nargs="*", default=list(EPOCHS), help="default: all")
    parser.add_argument("--rounds", type=int, default=8, help="rounds (default: 8)")
    parser.add_argument("--epochs", type=int, help="of the long job (default: so many that it takes about a minute)")
    arguments = parser.parse_args()

    file = HERE / "training.json"
    result = json.loads(file.read_text()) if file.exists() else {}  # of a framework that is not measured now
    for framework in arguments.frameworks:
        contest = Contest(framework)
        print(f"measuring {framework}", flush=True)
        epochs = arguments.epochs or EPOCHS[framework]
        machine = facts() | contest.versions()
        jobs = summary(contest.measure(arguments.rounds, epochs))
        result[framework] = {"machine": machine, "epochs": epochs, "jobs": jobs}
    file.write_text(json.dumps(result, indent=2) + "\n")
    (HERE / "training.md").write_text(report(result))
    print(report(result))


if __name__ == "__main__":
    main()
