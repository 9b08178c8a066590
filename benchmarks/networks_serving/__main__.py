"""Compares serving of networks: the generated projects, TorchServe, and the classic stack.

Every figure is a median over interleaved rounds on this machine; what counts are the ratios. Needs wrk, nginx and, for
TorchServe, Java.
Usage, in benchmarks/: python -m networks_serving {tensorflow,pytorch,huggingface,distilbert} [--rounds N] [--seconds N]
"""

import shutil
from pathlib import Path

from common import compare, program, results, sides
from common.environments import BUILD, pins, python
from common.measure import Side
from common.processes import run
from common.projects import Project
from common.results import bar
from common.sides import CLASSIC, CLASSIC_REQUIREMENTS, WORKERS

HERE = Path(__file__).resolve().parent
TITLE = "Serving networks, side by side"
PEERS = HERE / "peers"
TORCHSERVE_REQUIREMENTS = PEERS / "torchserve-requirements.txt"
# distilbert: the example of huggingface with a base model of DistilBERT's size, in place of its small network.
DISTILBERT = "distilbert"
PROJECTS = {name: Project(name, name) for name in ("tensorflow", "pytorch", "huggingface")}
PROJECTS[DISTILBERT] = Project(DISTILBERT, "huggingface", hyperparameters={"epochs": "1"})
TEXT = '"The chair is broken, I want to send it back."\n'
ROWS = {"tensorflow": "18.5\n", "pytorch": "18.5\n", "huggingface": TEXT, DISTILBERT: TEXT}
CONNECTIONS = 8
DIGITS = 3  # the same float32 arithmetic, in another order
WARM_UP = 6  # seconds, for Java
CALLED = f"{CLASSIC}, model(x)"
ONE_THREAD = f"{CLASSIC}, one thread in each worker"
TORCHSERVE = {f"TorchServe, {count} worker{'s'[: count > 1]}": count for count in (1, WORKERS)}
BARS = {
    "tensorflow": {CLASSIC: 2.0},
    "pytorch": dict.fromkeys((CLASSIC, *TORCHSERVE), 1.5),
    "huggingface": {CLASSIC: 2.0, ONE_THREAD: 2.0},
    DISTILBERT: {},
}
# A folder as save_pretrained writes it, with random weights: only their number counts here.
MAKE_DISTILBERT = """
import sys; sys.path.insert(0, sys.argv[1])
from transformers import DistilBertConfig
from runtime import adapter, text
words = open(sys.argv[1] + "/sample/train/messages.csv").read().split()
adapter.save(text.untrained(DistilBertConfig(), sorted(set(words)), ["no", "yes"]), sys.argv[2])
"""


def contenders(project: Project) -> list[Side]:
    """Return all sides of a framework, with the model that our side trains."""
    project.generate()
    if project.name == DISTILBERT:
        base_model = BUILD / "run" / DISTILBERT / "base_model"
        shutil.rmtree(base_model, ignore_errors=True)
        base_model.mkdir(parents=True)
        run(project.interpreter(), "-c", MAKE_DISTILBERT, str(project.folder), str(base_model))
        project.train(model=base_model)
    else:
        project.train()
    itself = (project.folder / "requirements.txt", *project.itself())
    constraints = project.constraints()
    framework = project.framework

    interpreter = python(f"classic-{framework}", CLASSIC_REQUIREMENTS, *itself, constraints=constraints)
    found = [sides.ours(project), sides.classic(project, interpreter, PEERS, f"{framework}_model")]
    if framework == "tensorflow":
        called = sides.classic(project, interpreter, PEERS, "tensorflow_call", CALLED)
        return [*found, called]
    if framework == "huggingface":
        one_thread = sides.classic(project, interpreter, PEERS, "huggingface_one_thread", ONE_THREAD)
        return [*found, one_thread]
    torchserve = python("torchserve", TORCHSERVE_REQUIREMENTS, *itself, constraints=constraints)
    return [*found, *(serve_torch(project, Path(torchserve), name, count) for name, count in TORCHSERVE.items())]


def serve_torch(project: Project, interpreter: Path, name: str, workers: int) -> Side:
    """Return TorchServe, as its program `torchserve` starts it."""
    folder = BUILD / "run/pytorch" / f"torchserve-{workers}"
    folder.mkdir(parents=True, exist_ok=True)
    pack = ("--model-name", "benchmark", "--version", "1", "--export-path", str(folder), "--force")
    files = ("--handler", str(PEERS / "torchserve_handler.py"), "--extra-files", str(sides.PEERS / "pytorch_model.py"))
    run(str(interpreter.parent / "torch-model-archiver"), *pack, *files)

    settings = (PEERS / "torchserve.properties").read_text().replace("WORKERS", str(workers))
    ports = sides.free_ports(6)
    for number, port in enumerate(ports):
        settings = settings.replace(f"PORT{number}", str(port))
    (folder / "config.properties").write_text(settings)

    (packages,) = interpreter.parent.parent.glob("lib/python*/site-packages")
    home, classes = f"-Dmodel_server_home={packages}", f"{packages}/ts/frontend/*"
    java = ("java", home, "-cp", classes, "org.pytorch.serve.ModelServer")
    options = ("--python", str(interpreter), "-f", "config.properties", "-s", str(folder), "-ncs")
    return Side(name, (*java, *options), ports[0], {"MODEL_FOLDER": str(project.base)}, folder)


def versions(project: Project) -> dict[str, str]:
    """Return the versions of what is compared."""
    files = [CLASSIC_REQUIREMENTS, project.folder / "runtime/requirements.txt", project.folder / "requirements.txt"]
    if project.framework == "pytorch":
        files.append(TORCHSERVE_REQUIREMENTS)
    pinned = pins(*files, *project.itself())
    shown = ("torch", "torchserve", "transformers", "tensorflow-cpu", "keras", "flask", "gunicorn", "pandas")
    return {"nginx": sides.nginx_version()} | {name: pinned[name] for name in shown if name in pinned}


def bars(framework: str, tables: dict) -> list[dict]:
    """Return the project's own limits."""
    ratios = tables[compare.load_title(CONNECTIONS)]["ratios"]
    return [
        bar(f"requests/s over those of {peer}", ratios[peer]["requests/s"], "x", at_least=wanted)
        for peer, wanted in BARS[framework].items()
    ]


def main() -> None:
    """Measure a framework and report."""
    parser = program.serving_parser(__doc__)
    parser.add_argument("framework", choices=list(BARS))
    arguments = parser.parse_args()
    framework = arguments.framework
    program.prepare("wrk", "nginx", *(["java"] if framework == "pytorch" else []))

    project = PROJECTS[framework]
    of = contenders(project)
    found = results.new(vars(arguments), versions(project))
    found["tables"] = compare.serving(
        of, ROWS[framework], arguments.rounds, arguments.seconds, (CONNECTIONS,), digits=DIGITS, warm_up=WARM_UP
    )
    found["bars"] = bars(framework, found["tables"])
    results.save(HERE, TITLE, framework, found)


if __name__ == "__main__":
    main()
