"""A project's own programs as local processes, with a folder in place of /opt/ml."""

import json
import os
import socket
import subprocess
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands import run


def environment(project: Path, ml: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a program whose /opt/ml is `ml`; the project's packages are installed first."""
    run("make", "environment", cwd=project)
    path = f"{project}/.venv/bin:{os.environ['PATH']}"
    return {"PATH": path, "SAGEMAKER_BASE_DIR": str(ml)} | variables


def train(project: Path, ml: Path, channels: dict[str, Path] | None = None, **hyperparameters: object) -> str:
    """Run the sample's job, with more channels and other hyperparameters; return its log."""
    sample = tomllib.loads((project / "sample/sample.toml").read_text())["training"]
    folders = {name: project / "sample" / name for name in sample["channels"]} | (channels or {})
    (ml / "input/config").mkdir(parents=True)
    (ml / "input/data").mkdir()
    for name, folder in folders.items():
        (ml / "input/data" / name).symlink_to(folder)
    strings = {name: str(value) for name, value in (sample["hyperparameters"] | hyperparameters).items()}
    (ml / "input/config/hyperparameters.json").write_text(json.dumps(strings))
    (ml / "input/config/inputdataconfig.json").write_text(json.dumps({name: {} for name in folders}))
    return run(project / "runtime/train", env=environment(project, ml))


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(project: Path, ml: Path) -> Iterator[tuple[str, Path]]:
    """Serve the model in `ml` until the end of the block; yield the URL and the server's log."""
    port = free_port()
    log = ml / "serve.log"
    with log.open("wb") as output:
        variables = environment(project, ml, SAGEMAKER_BIND_TO_PORT=str(port))
        process = subprocess.Popen([project / "runtime/serve"], env=variables, stdout=output, stderr=output)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()


def post(url: str, content_type: str, body: bytes, accept: str = "*/*") -> tuple[int, bytes]:
    """Send one request; the status and the body of its answer, whatever it is."""
    request = urllib.request.Request(
        f"{url}/invocations", data=body, headers={"Content-Type": content_type, "Accept": accept}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
