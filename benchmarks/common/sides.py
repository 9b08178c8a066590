"""The sides that several suites compare: the generated project, and the classic stack."""

import os
import socket
import sys
from pathlib import Path

from common.environments import BENCHMARKS, BUILD
from common.measure import Side
from common.processes import run
from common.projects import Project
from common.results import OURS

PEERS = BENCHMARKS / "common/peers"
CLASSIC_REQUIREMENTS = PEERS / "classic-requirements.txt"
WORKERS = len(os.sched_getaffinity(0))
CLASSIC = "nginx + gunicorn + pandas"


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def ours(project: Project) -> Side:
    """Return the project's own `serve`, with its trained model."""
    (port,) = free_ports(1)
    command = (project.interpreter(), str(project.folder / "runtime/serve"))
    variables = {"SAGEMAKER_BASE_DIR": str(project.base), "SAGEMAKER_BIND_TO_PORT": str(port)}
    return Side(OURS, command, port, variables, BUILD / "run" / project.name / OURS)


def gunicorn(interpreter: str, peers: Path, *arguments: str) -> tuple[str, ...]:
    """Return a command of gunicorn; `peers` is the folder of the suite's own modules."""
    options = ("--workers", str(WORKERS), "--worker-class", "sync", "--pythonpath", f"{PEERS},{peers}")
    return interpreter, "-m", "gunicorn", *options, *arguments


def model_variables(project: Project, module: str) -> dict[str, str]:
    """Return the variables by which a peer finds the model that our side has trained, and the module that asks it."""
    return {"WORKLOAD": project.name, "MODEL_FOLDER": str(project.base), "MODEL_MODULE": module}


def classic(project: Project, interpreter: str, peers: Path, model: str, name: str = CLASSIC) -> Side:
    """Return the classic stack, with the model that our side has trained; `model` is the module of `peers` to ask."""
    (port,) = free_ports(1)
    folder = BUILD / "run" / project.name / f"classic-{model}"
    folder.mkdir(parents=True, exist_ok=True)
    nginx = (PEERS / "nginx.conf").read_text().replace("FOLDER", str(folder)).replace("PORT", str(port))
    (folder / "nginx.conf").write_text(nginx)
    bind = ("--bind", f"unix:{folder}/gunicorn.sock", "--timeout", "60", "classic:app")
    command = (sys.executable, str(PEERS / "start_classic.py"), str(folder), *gunicorn(interpreter, peers, *bind))
    return Side(name, command, port, model_variables(project, model), folder)


def nginx_version() -> str:
    """Return the version of nginx."""
    return run("nginx", "-v").strip().rpartition("/")[2]
