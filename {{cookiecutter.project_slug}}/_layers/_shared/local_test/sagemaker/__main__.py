"""make local-sagemaker: answers AWS's API on this machine, until Ctrl-C or around one command.

Usage: python -m local_test.sagemaker --engine docker|process --image NAME [--port N] [-- COMMAND...]
"""

import argparse
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from cloud.local import ACCOUNT, CREDENTIALS, NAME, PORT, REGION

from .. import interrupts
from ..engines import CHOICES, choose
from ..errors import SetupError
from ..exchange import listening

PROJECT = Path(__file__).resolve().parents[2]
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")

# The user's settings for AWS must not reach this process, which stands for AWS.
given = dict(os.environ)
for name in given:
    if name.startswith("AWS_"):
        del os.environ[name]
os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def variables(endpoint: str, image: str, region: str) -> dict[str, str]:
    """Return the variables that a client needs: any credentials will do, and SDK v3 must not look up the role."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": region,
        "SAGEMAKER_VALIDATE_ROLE": "false",
        "IMAGE": image,
        "ROLE": f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
        "BUCKET": NAME,
    }


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(prog="python -m local_test.sagemaker", description=__doc__.splitlines()[0])
    found.add_argument("--engine", choices=CHOICES, help="default: docker where a daemon answers, else process")
    found.add_argument("--image", default=PROJECT.name, metavar="NAME:TAG", help="the value of IMAGE for clients")
    found.add_argument("--port", type=int, help=f"default: {PORT}, and with a command any free one")
    found.add_argument("command", nargs="*", help="run it with the variables set, and exit with it")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C, or until the command has ended; return its exit code."""
    options = parser().parse_args(arguments)
    port = options.port if options.port is not None else 0 if options.command else PORT
    if port and listening(("127.0.0.1", port)):
        raise SetupError(f'port {port} is busy. Stop what listens there, or choose another one: ARGS="--port N"')
    from .server import Server

    interrupts.listen()
    engine = options.engine or choose()
    screen = sys.stderr if options.command else sys.stdout  # which belongs to the command
    server = Server(engine, PROJECT, port, screen)
    try:
        region = given.get("AWS_DEFAULT_REGION", REGION)
        own = variables(server.endpoint, options.image, region)
        server.prepare(region, NAME, NAME)
        for line in (
            f"SageMaker on this machine, engine {engine}: training, tuning, endpoints, transform, processing.",
            "It does not do IAM, VPC or instance types; S3 is in memory, and gone at the end. Set this for clients:",
            *(f"  export {name}={value}" for name, value in own.items()),
        ):
            print(line, file=screen, flush=True)
        if options.command:
            # If the command is a make, the options of the make that has started this are not meant for it.
            free = {name: value for name, value in given.items() if name not in OF_MAKE}
            return subprocess.run(options.command, env=free | own, check=False).returncode
        print("Ctrl-C ends it.", flush=True)
        with suppress(KeyboardInterrupt):  # which is no failure here
            threading.Event().wait()
        print("\nstopped, with everything that was running", flush=True)
        return 0
    finally:
        with interrupts.held():
            server.close()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (SetupError, OSError) as error:
        sys.exit(f"local-sagemaker: {error}")
    except KeyboardInterrupt:
        sys.exit("\nstopped, with everything that was running")
