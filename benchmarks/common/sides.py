"""The servers that are compared, made ready: virtual environments, the generated projects, the trained models."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import Side

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = HERE / "build"
PEERS = HERE / "peers"
WORKERS = len(os.sched_getaffinity(0))
CLASSIC = "nginx + gunicorn + pandas"
GUNICORN = ("-m", "gunicorn", "--workers", str(WORKERS), "--worker-class", "sync", "--chdir", str(PEERS))

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
    framework: str = "scikit-learn"


IRIS = Workload("iris", {"algorithm.py": HERE / "ours/iris.py"}, "5.1,3.5,1.4,0.2\n")
SLOW = Workload("slow", {"algorithm.py": HERE / "ours/slow.py", "iris.py": HERE / "ours/iris.py"}, IRIS.row)
SHIPPED = Workload("scikit-learn", {}, "3,79.5,4,monthly,invoice\n")
NETWORKS = {name: Workload(name, {}, "18.5\n", framework=name) for name in ("tensorflow", "pytorch")}


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


def pins(*requirements: Path) -> dict[str, str]:
    """The versions that requirements files pin."""
    lines = [line.partition(";")[0].strip() for file in requirements for line in file.read_text().splitlines()]
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


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
    answers = ["project_name=Benchmark", "language=python", f"framework={workload.framework}"]
    options = ["--no-input", "--default-config", "--output-dir", str(output)]
    run(tool, "-m", "cookiecutter", *options, str(ROOT), *answers, HOME=str(BUILD / "home"))
    project = output / "benchmark"
    for name, file in workload.files.items():
        shutil.copy(file, project / name)
    return project


def interpreter_of(project: Path, workload: Workload) -> str:
    """Return the interpreter of a virtual environment with what a generated project needs."""
    requirements = [project / "requirements.txt", project / "runtime/requirements.txt", *framework_itself(project)]
    return python(f"ours-{workload.framework}", *requirements, constraints=project / "constraints.txt")


def framework_itself(project: Path) -> list[Path]:
    """The project's file that pins a framework which differs between CPUs and GPUs: the peers take the same."""
    return list(project.glob("requirements-cpu.txt"))


def job(workload: Workload, project: Path) -> Path:
    """Lay out what SageMaker gives to a training job; return the folder that stands for /opt/ml."""
    base = BUILD / "ml" / workload.name
    shutil.rmtree(base, ignore_errors=True)
    (base / "input/config").mkdir(parents=True)
    if not workload.files:
        for channel in tomllib.loads((project / "sample/sample.toml").read_text())["training"]["channels"]:
            shutil.copytree(project / "sample" / channel, base / "input/data" / channel)
    else:
        (base / "input/data/train").mkdir(parents=True)
        shutil.copy(HERE / "ours/iris.csv", base / "input/data/train")
    channels = {channel.name: {"TrainingInputMode": "File"} for channel in (base / "input/data").iterdir()}
    (base / "input/config/inputdataconfig.json").write_text(json.dumps(channels))
    return base


def train(workload: Workload, project: Path, interpreter: str) -> Path:
    """Train by the project's own `train`; return the folder that stands for /opt/ml."""
    base = job(workload, project)
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
    interpreter = interpreter_of(project, workload)
    base = train(workload, project, interpreter)
    if workload.framework == "scikit-learn":
        run(interpreter, "-c", TO_JOBLIB, str(project), str(base / "model"), str(base / "model.joblib"))
    return served("sm-algo", workload, project, interpreter)


def served(name: str, workload: Workload, project: Path, interpreter: str) -> Side:
    """A project that serves the workload's model, which is trained already."""
    (port,) = free_ports(1)
    variables = {"SAGEMAKER_BASE_DIR": str(BUILD / "ml" / workload.name), "SAGEMAKER_BIND_TO_PORT": str(port)}
    command = (interpreter, str(project / "runtime/serve"))
    return Side(name, command, port, variables, BUILD / "run" / workload.name / name)


def peers(workload: Workload) -> Sequence[Side]:
    """The peers, with the model that our side has trained."""
    (port,) = free_ports(1)
    fast = python("jpmorgan", PEERS / "jpmorgan-requirements.txt")
    jpmorgan = Side(
        "inference-server",
        (fast, *GUNICORN, "--bind", f"0.0.0.0:{port}", "jpmorgan:app"),
        port,
        {"WORKLOAD": workload.name, "MODEL_FOLDER": str(BUILD / "ml" / workload.name)},
        BUILD / "run" / workload.name / "jpmorgan",
    )
    return jpmorgan, classic(workload, python("classic", PEERS / "classic-requirements.txt"))


def classic(workload: Workload, interpreter: str, model: str = "workloads", name: str = CLASSIC) -> Side:
    """The classic stack, with the model that our side has trained; `model` is the module of peers/ that asks it."""
    (port,) = free_ports(1)
    folder = BUILD / "run" / workload.name / f"classic-{model}"
    folder.mkdir(parents=True, exist_ok=True)
    nginx = (PEERS / "nginx.conf").read_text().replace("FOLDER", str(folder)).replace("PORT", str(port))
    (folder / "nginx.conf").write_text(nginx)
    start = (sys.executable, str(PEERS / "start_classic.py"), str(folder), interpreter)
    bind = ("--bind", f"unix:{folder}/gunicorn.sock", "--timeout", "60", "classic:app")
    variables = {"WORKLOAD": workload.name, "MODEL_FOLDER": str(BUILD / "ml" / workload.name), "MODEL_MODULE": model}
    return Side(name, (*start, *GUNICORN, *bind), port, variables, folder)
