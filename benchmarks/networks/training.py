"""Compares training by the generated project's `train` with a bare script of the same loop, side by side in one run.

A long job shows what each step costs more, a job of one epoch what the start and the end do. Every figure is a median
over interleaved rounds; CPU time stands beside wall time, since other processes disturb it less.
Prints tables and writes training.json and training.md beside this file.
Usage: python benchmarks/networks/training.py [pytorch] [tensorflow] [--rounds N] [--epochs N]
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, fields
from math import isclose
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import sides  # noqa: E402
from measure import facts, machine_seconds  # noqa: E402
from sides import NETWORKS, PEERS  # noqa: E402

EPOCHS = {"pytorch": 900, "tensorflow": 900}  # of the long job: about a minute
SHORT_ROUNDS = 3  # jobs of one epoch for each long one
LONG, SHORT = "long", "one epoch"
BARE, OURS = "bare script", "runtime/train"
CLOCKS = ("wall", "cpu")
BAR_SHARE, BAR_SECONDS = 0.03, 0.3
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
THREADS += ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class Took:
    """What a job took: seconds of the clock and of CPUs; and the share of the machine's CPU time that others took."""

    wall: float
    cpu: float
    others: float


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

    def timed(self, program: str, epochs: int) -> tuple[Took, list[float]]:
        """Run a job; return what it took and its validation losses."""
        base = sides.job(self.workload, self.project)
        values = {"epochs": str(epochs), "patience": str(epochs)}
        (base / "input/config/hyperparameters.json").write_text(json.dumps(values))
        commands = {
            BARE: (self.interpreter, str(self.script), str(base / "input/data"), str(epochs)),
            OURS: (self.interpreter, str(self.project / "runtime/train")),
        }
        variables = {"SAGEMAKER_BASE_DIR": str(base)} | dict.fromkeys(THREADS, str(sides.WORKERS))
        with (base / "log.txt").open("w") as log:
            (busy, total), started = machine_seconds(), time.perf_counter()
            process = subprocess.Popen(commands[program], env=os.environ | variables, stdout=log, stderr=log)
            try:
                _, status, used = os.wait4(process.pid, 0)
            except BaseException:
                process.kill()
                raise
            wall, cpu = time.perf_counter() - started, used.ru_utime + used.ru_stime
        process.returncode = os.waitstatus_to_exitcode(status)
        busy, total = (after - before for after, before in zip(machine_seconds(), (busy, total), strict=True))
        text = (base / "log.txt").read_text()
        losses = [float(loss) for loss in re.findall(r"validation:mse=(\S+)", text)]
        if process.returncode or len(losses) != epochs:
            raise RuntimeError(f"{program} failed:\n{text[-2000:]}")
        return Took(wall, cpu, max(0, busy - cpu) / total), losses

    def measure(self, rounds: int, epochs: int) -> dict[str, dict[str, list[Took]]]:
        """Run all jobs; job -> program -> what it took in each round. Raises RuntimeError if they learn differently."""
        found: dict[str, dict[str, list[Took]]] = {job: {BARE: [], OURS: []} for job in (LONG, SHORT)}
        self.timed(BARE, 1), self.timed(OURS, 1)  # files into the page cache
        for number in range(rounds):
            for job in (LONG, *[SHORT] * SHORT_ROUNDS):
                learnt = {}
                for program in (BARE, OURS)[:: 1 if number % 2 else -1]:
                    took, losses = self.timed(program, epochs if job == LONG else 1)
                    found[job][program].append(took)
                    learnt[program] = min(losses)
                # Rounding differs, and over many epochs it counts.
                if not isclose(learnt[BARE], learnt[OURS], rel_tol=0.03 if job == LONG else 1e-4):
                    raise RuntimeError(f"the sides learn differently: the lowest loss is {learnt}")
        return found


def middle(rounds: list[Took]) -> dict[str, float]:
    """The medians of several rounds."""
    return {field.name: median(getattr(took, field.name) for took in rounds) for field in fields(Took)}


def over(of: dict[str, list[Took]], clock: str) -> float:
    """How many seconds more ours takes than the bare script: the median over the rounds, in each of which both ran."""
    pairs = zip(of[BARE], of[OURS], strict=True)
    return median(getattr(ours, clock) - getattr(bare, clock) for bare, ours in pairs)


def summary(jobs: dict[str, dict[str, list[Took]]]) -> dict[str, dict]:
    """What is reported of each job: the medians of both programs, and how much more ours takes."""
    return {
        job: {program: middle(rounds) for program, rounds in of.items()}
        | {"over": {clock: over(of, clock) for clock in CLOCKS}, "rounds": len(of[OURS])}
        for job, of in jobs.items()
    }


def bars(result: dict) -> list[tuple[str, str, bool]]:
    """The project's own limits: what is wanted, what was measured, whether it is met.

    CPU time decides: what other processes of the machine do hides a few percent of wall time.
    """
    found = []
    for framework, of in result.items():
        long, short = of["jobs"][LONG], of["jobs"][SHORT]["over"]
        share = {clock: long["over"][clock] / long[BARE][clock] for clock in CLOCKS}
        got = f"{share['cpu']:+.1%} of CPU time, {share['wall']:+.1%} of wall time"
        found.append((f"{framework}: the long job at most {BAR_SHARE:.0%} longer", got, share["cpu"] <= BAR_SHARE))
        got = f"{short['cpu']:+.2f} s of CPU time, {short['wall']:+.2f} s of wall time"
        met = short["cpu"] <= BAR_SECONDS
        found.append((f"{framework}: the job of one epoch at most {BAR_SECONDS} s longer", got, met))
    return found


def report(result: dict) -> str:
    """The result as Markdown tables."""
    lines = ["# Training, beside a bare script of the same loop", ""]
    for framework, of in result.items():
        machine = ", ".join(f"{name} {value}" for name, value in of["machine"].items())
        lines += [f"## {framework}", "", f"Medians on: {machine}.", ""]
        lines += [
            "| job | rounds | program | wall s | CPU s | CPU time that others took |",
            "|---|--:|---|--:|--:|--:|",
        ]
        for job, one in of["jobs"].items():
            name = f"{of['epochs']} epochs" if job == LONG else job
            for program in (BARE, OURS):
                took = one[program]
                cells = f"{took['wall']:.2f} | {took['cpu']:.2f} | {took['others']:.0%}"
                lines.append(f"| {name} | {one['rounds']} | {program} | {cells} |")
        lines.append("")
    lines += ["## Budgets", "", "| wanted | measured | |", "|---|--:|---|"]
    lines += [f"| {wanted} | {got} | {'met' if met else 'MISSED'} |" for wanted, got, met in bars(result)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure everything and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("frameworks", nargs="*", default=list(EPOCHS), help="default: all")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default: 3)")
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
