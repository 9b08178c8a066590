"""The servers that are compared, made ready: virtual environments, the generated projects, the trained models."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import Side

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = HERE / "build"
PEERS = HERE / "peers"
WORKERS = len(os.sched_getaffinity(0))

# The only place where a model is pickled: the peers have no other way.
TO_JOBLIB = """
import sys; sys.path.insert(0, sys.argv[1])
import joblib; from runtime import adapter
joblib.dump(adapter.load(sys.argv[2]), sys.argv[3])
"""


@dataclass(frozen=True)
class Workload:
    """A model to serve: the generated project, files that take the place of its own, one row to ask for."""

    name: str
    files: dict[str, Path]
    row: str


IRIS = Workload("iris", {"algorithm.py": HERE / "ours/iris.py"}, "5.1,3.5,1.4,0.2\n")
SLOW = Workload("slow", {"algorithm.py": HERE / "ours/slow.py", "iris.py": HERE / "ours/iris.py"}, IRIS.row)
SHIPPED = Workload("scikit-learn", {}, "3,79.5,4,monthly,invoice\n")


def python(name: str, *requirements: Path, constraints: Path | None = None) -> str:
    """Return the interpreter of a virtual environment with these packages, made when they change."""
    folder = BUILD / "venv" / name
    files = [*requirements, *([constraints] if constraints else [])]
    made_of, wanted = folder / "made_of", "\n".join([sys.version, *(file.read_text() for file in files)])
    if not made_of.exists() or made_of.read_text() != wanted:
        print(f"making the virtual environment of {name}", flush=True)
        arguments = [part for file in requirements for part in ("-r", str(file))]
        arguments += ["-c", str(constraints)] if constraints else []
        run(sys.executable, "-m", "venv", "--clear", str(folder))
        run(str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *arguments)
        made_of.write_text(wanted)
    return str(folder / "bin/python")


def run(*command: str, **variables: str) -> None:
    """Run a command quietly; raise RuntimeError with what it said if it fails."""
    result = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")


def generate(workload: Workload) -> Path:
    """Generate the project of a workload and return its folder."""
    tool = python("template", ROOT / "benchmarks/requirements.txt")
    output = BUILD / "projects" / workload.name
    shutil.rmtree(output, ignore_errors=True)
    answers = ["project_name=Benchmark", "language=python", "framework=scikit-learn"]
    options = ["--no-input", "--default-config", "--output-dir", str(output)]
    run(tool, "-m", "cookiecutter", *options, str(ROOT), *answers, HOME=str(BUILD / "home"))
    project = output / "benchmark"
    for name, file in workload.files.items():
        shutil.copy(file, project / name)
    return project


def train(workload: Workload, project: Path, interpreter: str) -> Path:
    """Train by the project's own `train`; return the folder that stands for /opt/ml."""
    base = BUILD / "ml" / workload.name
    shutil.rmtree(base, ignore_errors=True)
    (base / "input/config").mkdir(parents=True)
    if workload is SHIPPED:
        shutil.copytree(project / "local_test/sample", base / "input/data")
    else:
        (base / "input/data/train").mkdir(parents=True)
        shutil.copy(HERE / "ours/iris.csv", base / "input/data/train")
    channels = {channel.name: {"TrainingInputMode": "File"} for channel in (base / "input/data").iterdir()}
    (base / "input/config/inputdataconfig.json").write_text(json.dumps(channels))
    run(interpreter, str(project / "runtime/train"), SAGEMAKER_BASE_DIR=str(base))
    return base


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def ours(workload: Workload) -> Side:
    """The generated project, served by its own `serve`."""
    project = generate(workload)
    requirements = (project / "requirements.txt", project / "runtime/requirements.txt")
    interpreter = python("ours", *requirements, constraints=project / "constraints.txt")
    base = train(workload, project, interpreter)
    run(interpreter, "-c", TO_JOBLIB, str(project), str(base / "model"), str(base / "model.joblib"))
    (port,) = free_ports(1)
    variables = {"SAGEMAKER_BASE_DIR": str(base), "SAGEMAKER_BIND_TO_PORT": str(port)}
    return Side(
        "sm-algo",
        (interpreter, str(project / "runtime/serve")),
        port,
        variables,
        BUILD / "run" / workload.name / "ours",
    )


def peers(workload: Workload) -> Sequence[Side]:
    """The peers, with the model that our side has trained."""
    variables = {"WORKLOAD": workload.name, "MODEL_FOLDER": str(BUILD / "ml" / workload.name)}
    one, other = free_ports(2)

    fast = python("jpmorgan", PEERS / "jpmorgan-requirements.txt")
    gunicorn = ("-m", "gunicorn", "--workers", str(WORKERS), "--worker-class", "sync", "--chdir", str(PEERS))
    jpmorgan = Side(
        "inference-server",
        (fast, *gunicorn, "--bind", f"0.0.0.0:{one}", "jpmorgan:app"),
        one,
        variables,
        BUILD / "run" / workload.name / "jpmorgan",
    )

    folder = BUILD / "run" / workload.name / "classic"
    folder.mkdir(parents=True, exist_ok=True)
    nginx = (PEERS / "nginx.conf").read_text().replace("FOLDER", str(folder)).replace("PORT", str(other))
    (folder / "nginx.conf").write_text(nginx)
    slow = python("classic", PEERS / "classic-requirements.txt")
    start = (sys.executable, str(PEERS / "start_classic.py"), str(folder))
    bind = ("--bind", f"unix:{folder}/gunicorn.sock", "--timeout", "60", "classic:app")
    classic = Side("nginx + gunicorn + pandas", (*start, slow, *gunicorn, *bind), other, variables, folder)
    return jpmorgan, classic
