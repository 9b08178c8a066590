"""python -m local_test train|serve|predict|doctor: one step of the suite by hand, on the sample."""

import argparse
import http.client
import shutil
import sys
import time
from pathlib import Path

from . import doctor, interrupts, platforms
from .contract import ML, PORT
from .engines import CHOICES, open_engine
from .engines.base import Engine, Program
from .errors import SetupError
from .exchange import exchange, listening
from .job import Job
from .sample import FOLDER, load
from .startup import await_ping

PROJECT = Path(__file__).resolve().parent.parent
OUTPUT = PROJECT / "local_test/output"
MODEL = OUTPUT / "model"


def follow(program: Program, shown: int = 0) -> int:
    """Print the log of a program as it comes, from line `shown` on, until it ends. Returns the exit code."""
    code = None
    while code is None:
        code = program.exit_code if program.wait(0.1) else None
        for _, line in program.log[shown:]:
            print(line, flush=True)
            shown += 1
    return code


def train(engine: Engine, sample: Path) -> int:
    """Train on the sample; keep what the job leaves in local_test/output."""
    run = engine.train(Job.of(load(sample)))
    print(f"training: {run.command}", flush=True)
    code = follow(run)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    collected = run.collect()
    for folder in ("model", "output", "checkpoints"):
        if (collected / folder).is_dir():
            shutil.copytree(collected / folder, OUTPUT / folder, symlinks=True)
    failure = OUTPUT / "output/failure"
    if failure.is_file():
        print(f"{ML}/output/failure:\n{failure.read_text(encoding='utf-8', errors='backslashreplace')}")
    print(f"exit code {code} after {run.seconds:.1f} s; what the job left is in {OUTPUT}")
    return code


def expect_servable(port: int) -> None:
    """Raise SetupError where there is no model to serve yet, or something else has the port."""
    if not MODEL.is_dir() or not any(MODEL.iterdir()):
        raise SetupError(f"there is no model in {MODEL} yet. Train one first: make train")
    if listening(("127.0.0.1", port)):
        raise SetupError(
            f'port {port} is busy. Stop what listens there, or choose another one: make serve ARGS="--port {port + 1}"'
        )


def serve(engine: Engine, port: int) -> int:
    """Serve the model that `train` left, until Ctrl-C, which is no failure."""
    server = engine.serve(MODEL, port=port)
    print(f"serving: {server.command}", flush=True)
    asking = "make predict" if port == PORT else f'make predict ARGS="--port {port}"'
    try:
        healthy_after = await_ping(server)
        if healthy_after is not None:
            print(f"healthy after {healthy_after:.1f} s on http://127.0.0.1:{port}; `{asking}` asks it, Ctrl-C ends it")
        return follow(server)
    except KeyboardInterrupt:
        print(f"\nstopped after {server.seconds:.0f} s")
        return 0


def predict(sample: Path, payload: str, content_type: str, accept: str, port: int) -> int:
    """Post a file, or the sample's first request, to the running server and print the answer."""
    request = load(sample).request(payload, content_type, accept)
    headers = {"Content-Type": request.content_type, "Accept": request.accept}
    answer = exchange(("127.0.0.1", port), "POST", "/invocations", headers, request.body)
    if answer.status is None:
        raise SetupError(f"no server answers on port {port} ({answer.error}). Start one first: make serve")
    reason = http.client.responses.get(answer.status, "")
    kind = answer.headers.get("content-type", "no Content-Type")
    print(f"{answer.status} {reason}, {kind}, {answer.seconds * 1000:.0f} ms", file=sys.stderr, flush=True)
    sys.stdout.buffer.write(answer.body)
    return 0 if answer.ok else 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    whole = argparse.ArgumentParser(prog="python -m local_test", description=__doc__)
    engine = argparse.ArgumentParser(add_help=False)
    engine.add_argument("--engine", choices=CHOICES, help="default: docker where a daemon answers, else process")
    engine.add_argument("--image", metavar="NAME:TAG", help="the image, for the docker engine")
    sample = argparse.ArgumentParser(add_help=False)
    sample.add_argument("--sample", type=Path, default=FOLDER, metavar="DIR", help="default: %(default)s")
    port = argparse.ArgumentParser(add_help=False)
    port.add_argument("--port", type=int, default=PORT, help="default: %(default)s")
    commands = whole.add_subparsers(dest="command", required=True)
    gpus = argparse.ArgumentParser(add_help=False)
    gpus.add_argument("--gpus", action="store_true", help="give the container this machine's NVIDIA GPUs")
    commands.add_parser("train", parents=[engine, gpus, sample], help="train on the sample")
    command = commands.add_parser("serve", parents=[engine, gpus, port], help="serve the trained model until Ctrl-C")
    command.add_argument("--check", action="store_true", help="only see whether there is a model, and the port is free")
    command = commands.add_parser("predict", parents=[port, sample], help="post a request to the running server")
    command.add_argument("payload", nargs="?", default="", help="a file; default: the sample's first request")
    command.add_argument("content_type", nargs="?", default="", help="default: by the ending of the file's name")
    command.add_argument("--accept", default="", help="default: that of the sample's first request")
    command = commands.add_parser("doctor", parents=[engine, sample], help="look for what usually goes wrong")
    command.add_argument("--platform", default=platforms.SAGEMAKER, help="that of the image; default: %(default)s")
    return whole


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit code."""
    options = parser().parse_args(arguments)
    if options.command == "predict":
        return predict(options.sample, options.payload, options.content_type, options.accept, options.port)
    if options.command == "doctor":
        return doctor.examine(PROJECT, options.sample, options.engine, options.image, options.platform)
    if options.command == "serve":
        expect_servable(options.port)
        if options.check:
            return 0
    interrupts.listen()
    engine = open_engine(options.engine, options.image, PROJECT, gpus=options.gpus)
    try:
        return train(engine, options.sample) if options.command == "train" else serve(engine, options.port)
    finally:
        with interrupts.held():
            engine.close()


if __name__ == "__main__":
    started = time.monotonic()
    try:
        sys.exit(main())
    except SetupError as error:
        sys.exit(f"local_test: {error}")
    except OSError as error:
        sys.exit(f"local_test: {error}")
    except KeyboardInterrupt:
        sys.exit(f"\nstopped after {time.monotonic() - started:.0f} s")
