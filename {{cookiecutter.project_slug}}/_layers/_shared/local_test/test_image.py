"""The image, before anything is started."""

import re
from pathlib import Path

import pytest

from .contract import ML
from .engines.base import Engine
from .explain import fail
from .platforms import GRAVITON, GRAVITON_ONLY

INIT_PROGRAMS = ("tini", "dumb-init", "docker-init")
CREDENTIALS = re.compile(r"ACCESS_KEY|SECRET|SESSION_TOKEN|PASSWORD|AUTH_TOKEN|API_KEY")


@pytest.mark.clause("E7")
def test_platform(docker, pytestconfig, figure):
    """The image is built for the platform of SageMaker's instances."""
    wanted = pytestconfig.option.platform
    found = f"{docker.details['Os']}/{docker.details['Architecture']}"
    if found != wanted:
        fail(
            f'The image is for {found}; on a {wanted} machine it ends with "exec format error".',
            sent=f"docker image inspect {docker.image}",
            got=f"Os/Architecture {found}",
            advice=f"Build with `docker build --platform {wanted}` and BuildKit (the classic builder ignores it). "
            f"If {found} is meant, run the suite with PLATFORM={found} (make) or --platform {found} (pytest).",
        )
    if wanted == GRAVITON:
        figure("the image is", f"for {wanted}: {GRAVITON_ONLY}")


@pytest.mark.clause("T7", "I2")
def test_user(docker):
    """The image runs as root."""
    if not docker.runs_as_root:
        user = docker.config["User"]
        fail(
            f"The image runs as '{user}'. In training only root can read /opt/ml/input/config.",
            sent=f"docker image inspect {docker.image}",
            got=f"User {user}",
            advice="Remove USER from the Dockerfile.",
        )


@pytest.mark.clause("T3", "T5", "I1")
def test_entrypoint(docker):
    """An ENTRYPOINT passes SIGTERM and the word train or serve to the program."""
    entrypoint = docker.config.get("Entrypoint") or []
    if not entrypoint:
        return  # the next checks look for train and serve
    program = Path(entrypoint[0]).name
    shell = program in ("sh", "bash", "dash") and "-c" in entrypoint
    init = program in INIT_PROGRAMS and not [word for word in entrypoint[1:] if not word.startswith("-")]
    if shell or init:
        why = "is a shell, which does not pass SIGTERM on" if shell else "takes `train` for the program to start"
        fail(
            f"The ENTRYPOINT {why}.",
            sent=f"docker image inspect {docker.image}",
            got=f"Entrypoint {entrypoint}",
            advice='Write ENTRYPOINT ["/path/of/your/program"] (JSON form), or none, with train and serve on PATH.',
        )


def check_executable(engine: Engine, name: str) -> None:
    """Fail if `train` or `serve` cannot be started; skip if an ENTRYPOINT starts them."""
    try:
        found = engine.executable(name)
    except LookupError as reason:
        pytest.skip(str(reason))
    if found is None:
        fail(
            f"There is no program `{name}` on the image's PATH and no ENTRYPOINT.",
            sent=f"docker run {engine.target} {name}",
            got=f'exec: "{name}": executable file not found in $PATH',
            advice=f"COPY a file `{name}` into a folder of the image and put the folder on PATH (ENV PATH=...).",
        )
    got = f"{found.path}: first line {found.first_line!r}, interpreter {found.interpreter}"
    if found.first_line.endswith(b"\r"):
        fail(
            f"`{name}` has Windows line endings, so the system looks for an interpreter whose name ends in \\r.",
            sent=f"the first line of {found.path}",
            got=got,
            advice=f"Save it with LF: sed -i 's/\\r$//' runtime/{name}. Keep `* text=auto eol=lf` in .gitattributes.",
        )
    if not found.interpreter_found:
        fail(
            f"`{name}` asks for an interpreter that is not there.",
            sent=f"the first line of {found.path}",
            got=got,
            advice="Correct the #! line, or install the interpreter in the Dockerfile.",
        )
    if found.executable is False:
        fail(
            f"`{name}` is not executable in the image.",
            sent=f"the mode of {found.path}",
            got=got,
            advice="COPY --chmod=0755 it, or RUN chmod +x it in the Dockerfile.",
        )


@pytest.mark.clause("T1")
def test_train_can_be_started(engine, plain_job):
    """`train` is on PATH, executable, and its interpreter exists."""
    check_executable(engine, "train")


@pytest.mark.clause("I1")
def test_serve_can_be_started(engine):
    """`serve` is on PATH, executable, and its interpreter exists."""
    check_executable(engine, "serve")


@pytest.mark.clause("T6")
def test_nothing_under_opt_ml(docker):
    """The image has no files under /opt/ml, where SageMaker would hide them."""
    if names := docker.names_below(ML):
        fail(
            f"The image has {len(names)} files under {ML}. SageMaker mounts its own over them.",
            sent=f"docker cp IMAGE:{ML}",
            got="\n".join(names[:10]),
            advice="Put code under /opt/program or anywhere else; SageMaker brings the model.",
        )


@pytest.mark.clause("T40")
def test_no_credentials_in_the_environment(docker):
    """The image's environment holds no credentials."""
    if names := [name for name, value in docker.environment.items() if value and CREDENTIALS.search(name)]:
        fail(
            "The image seems to hold credentials; whoever can pull it can read them.",
            sent=f"docker image inspect {docker.image}",
            got="\n".join(f"{name}=..." for name in names),
            advice="Remove the ENV or ARG from the Dockerfile; give the SageMaker role the permissions instead.",
        )


@pytest.mark.clause("T38")
def test_python_is_unbuffered(docker, plain_job):
    """A Python image sets PYTHONUNBUFFERED, so that metrics and the last lines of the log are not lost."""
    try:
        train = docker.executable("train")
    except LookupError as reason:
        pytest.skip(str(reason))
    if train is None or b"python" not in train.first_line:
        pytest.skip("`train` is not a Python program")
    if not docker.environment.get("PYTHONUNBUFFERED"):
        fail(
            "PYTHONUNBUFFERED is not set: what Python prints reaches the log late, or never if the job is killed.",
            sent=f"docker image inspect {docker.image}",
            got="\n".join(f"{name}={value}" for name, value in docker.environment.items()),
            advice="ENV PYTHONUNBUFFERED=1 in the Dockerfile.",
        )
