"""Compares serving of networks, side by side in one run: the generated projects, TorchServe, and the classic stack.

Every figure is a median over interleaved rounds on this machine; what counts are the ratios. Needs wrk, nginx and Java.
Prints tables and writes serving.json and serving.md beside this file.
Usage: python benchmarks/networks/serving.py [tensorflow] [pytorch] [--rounds N] [--seconds N]
"""

import argparse
import json
import shutil
import signal
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import sides  # noqa: E402
from compare import speed  # noqa: E402
from measure import Server, Side, facts, nginx_version  # noqa: E402
from sides import BUILD, CLASSIC, NETWORKS, PEERS, WORKERS  # noqa: E402

OURS, THREADS = "sm-algo", f"sm-algo: 1 process, {WORKERS} threads"
CALLED = f"{CLASSIC}, model(x)"
TORCHSERVE = {f"TorchServe, {count} worker{'s'[: count > 1]}": count for count in (1, WORKERS)}
CONNECTIONS = 8
DIGITS = 3  # the same float32 arithmetic, in another order
COLUMNS = ("server", "req/s", "sm-algo is x", "p50 ms", "p99 ms", "first /ping s", "first answer s")
COLUMNS += ("CPU µs/request", "memory MB")
BARS = {"tensorflow": {CLASSIC: 2.0}, "pytorch": dict.fromkeys((CLASSIC, *TORCHSERVE), 1.5)}
WARM_UP = 6  # seconds, for Java
# The other design of our server: threads of one process, instead of processes with one thread each.
FORKED = {"workers=settings.workers,": "workers=1,", "blocking_threads=1,": "blocking_threads=settings.workers,"}


def contenders(framework: str) -> list[Side]:
    """All sides of a framework, with the model that our side trains."""
    workload = NETWORKS[framework]
    ours = sides.ours(workload)
    project = BUILD / "projects" / framework / "benchmark"
    itself = (project / "requirements.txt", *sides.framework_itself(project))
    constraints = project / "constraints.txt"

    classic = sides.python(
        f"classic-{framework}", PEERS / "networks-requirements.txt", *itself, constraints=constraints
    )
    found = [ours, sides.classic(workload, classic, f"{framework}_model")]
    if framework == "tensorflow":
        return [*found, sides.classic(workload, classic, "tensorflow_call", CALLED), threads(project, ours)]
    torchserve = sides.python("torchserve", PEERS / "torchserve-requirements.txt", *itself, constraints=constraints)
    return [*found, *(serve_torch(Path(torchserve), name, count) for name, count in TORCHSERVE.items())]


def threads(project: Path, ours: Side) -> Side:
    """Our own server in its other design: a scratch copy of the project."""
    copy = BUILD / "projects/threads/benchmark"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(project, copy)
    serving = copy / "runtime/serving.py"
    text = serving.read_text()
    for old, new in FORKED.items():
        if text.count(old) != 1:
            raise RuntimeError(f"runtime/serving.py no longer has one {old!r}: this benchmark must follow it")
        text = text.replace(old, new)
    serving.write_text(text)
    return sides.served(THREADS, NETWORKS["tensorflow"], copy, ours.command[0])


def serve_torch(interpreter: Path, name: str, workers: int) -> Side:
    """TorchServe, as its program `torchserve` starts it."""
    folder = BUILD / "run/pytorch" / f"torchserve-{workers}"
    folder.mkdir(parents=True, exist_ok=True)
    pack = ("--model-name", "benchmark", "--version", "1", "--export-path", str(folder), "--force")
    files = ("--handler", str(PEERS / "torchserve_handler.py"), "--extra-files", str(PEERS / "pytorch_model.py"))
    sides.run(str(interpreter.parent / "torch-model-archiver"), *pack, *files)

    settings = (PEERS / "torchserve.properties").read_text().replace("WORKERS", str(workers))
    ports = sides.free_ports(6)
    for number, port in enumerate(ports):
        settings = settings.replace(f"PORT{number}", str(port))
    (folder / "config.properties").write_text(settings)

    (packages,) = interpreter.parent.parent.glob("lib/python*/site-packages")
    java = (
        "java",
        f"-Dmodel_server_home={packages}",
        "-cp",
        f"{packages}/ts/frontend/*",
        "org.pytorch.serve.ModelServer",
    )
    options = ("--python", str(interpreter), "-f", "config.properties", "-s", str(folder), "-ncs")
    variables = {"MODEL_FOLDER": str(BUILD / "ml/pytorch")}
    return Side(name, (*java, *options), ports[0], variables, folder)


def starts(contenders: list[Side], body: bytes, rounds: int) -> dict[str, dict[str, float]]:
    """Measure the seconds from the start to the first 200 on /ping and on /invocations: medians.

    They differ for servers that say on /ping that they are well before they have loaded the model.
    """
    seconds: dict[str, list[tuple[float, float]]] = {side.name: [] for side in contenders}
    for _ in range(rounds):
        for side in contenders:
            with Server(side) as server:
                seconds[side.name].append((server.start_seconds, server.first_answer(body)))
    return {
        name: {"ping": median(ping for ping, _ in values), "answer": median(answer for _, answer in values)}
        for name, values in seconds.items()
    }


def versions(framework: str) -> dict[str, str]:
    """The versions of what is compared."""
    project = BUILD / "projects" / framework / "benchmark"
    files = [PEERS / "networks-requirements.txt", project / "runtime/requirements.txt", project / "requirements.txt"]
    if framework == "pytorch":
        files.append(PEERS / "torchserve-requirements.txt")
    pins = sides.pins(*files, *sides.framework_itself(project))
    shown = ("torch", "torchserve", "tensorflow-cpu", "keras", "granian", "Flask", "gunicorn", "pandas")
    return {name: pins[name] for name in shown if name in pins}


def bars(result: dict) -> list[tuple[str, str, bool]]:
    """The project's own limits: what is wanted, what was measured, whether it is met."""
    rates = {
        framework: {name: one["c8"]["rate"] for name, one in of["speed"].items()} for framework, of in result.items()
    }
    found = []
    for framework, of in rates.items():
        for peer, wanted in BARS[framework].items():
            ratio = of[OURS] / of[peer]
            found.append((f"{framework}: requests/s at least {wanted} x {peer}'s", f"{ratio:.2f} x", ratio >= wanted))
    return found


def report(result: dict) -> str:
    """The result as Markdown tables."""
    lines = ["# Serving networks, side by side", ""]
    lines += [f"One CSV row per request of the shipped sample's model, {CONNECTIONS} kept-alive connections.", ""]
    for framework, of in result.items():
        machine = ", ".join(f"{name} {value}" for name, value in of["machine"].items())
        others = max(one["c8"]["others"] for one in of["speed"].values())
        lines += [f"## {framework}", "", f"Medians of {of['rounds']} rounds on: {machine}."]
        lines += [f"Other processes took at most {others:.0%} of the CPU time in the median runs of wrk.", ""]
        lines += [f"| {' | '.join(COLUMNS)} |", f"|---|{'--:|' * (len(COLUMNS) - 1)}"]
        for name, one in of["speed"].items():
            load, start = one["c8"], of["start_seconds"][name]
            ratio = of["speed"][OURS]["c8"]["rate"] / load["rate"]
            cells = [f"{load['rate']:.0f}", f"{ratio:.2f}", f"{load['p50']:.2f}", f"{load['p99']:.2f}"]
            cells += [f"{start['ping']:.2f}", f"{start['answer']:.2f}", f"{load['cpu']:.0f}", f"{one['memory_mb']:.0f}"]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines.append("")
    lines += ["## Budgets", "", "| wanted | measured | |", "|---|--:|---|"]
    lines += [f"| {wanted} | {got} | {'met' if met else 'MISSED'} |" for wanted, got, met in bars(result)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure everything and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("frameworks", nargs="*", default=list(NETWORKS), help="default: all")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    parser.add_argument("--seconds", type=int, default=4, help="length of each run of wrk (default: 4)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and with it the servers
    if missing := [tool for tool in ("wrk", "nginx", "java") if not shutil.which(tool)]:
        sys.exit(f"not found: {' and '.join(missing)}; on Debian: apt-get install wrk nginx default-jre-headless")

    file = HERE / "serving.json"
    result = json.loads(file.read_text()) if file.exists() else {}  # of a framework that is not measured now
    every = {framework: contenders(framework) for framework in arguments.frameworks}
    for framework, of in every.items():
        print(f"measuring {framework}", flush=True)
        row = NETWORKS[framework].row
        machine = facts() | {"nginx": nginx_version()} | versions(framework)
        result[framework] = {
            "machine": machine,
            "rounds": arguments.rounds,
            "speed": speed(of, row, arguments.rounds, arguments.seconds, (CONNECTIONS,), DIGITS, WARM_UP),
            "start_seconds": starts(of, row.encode(), arguments.rounds),
        }
    file.write_text(json.dumps(result, indent=2) + "\n")
    (HERE / "serving.md").write_text(report(result))
    print(report(result))


if __name__ == "__main__":
    main()
