"""The `docker` command as a function. The command line is used, not an SDK, so contexts and podman-docker work."""

import shutil
import subprocess

from .. import interrupts
from ..errors import SetupError

LABEL = "local-test.sagemaker"  # on every container, volume and network that local_test makes


def docker(*arguments: str, stdin: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run `docker ARGUMENTS` and return its output. Raises SetupError with what docker said if it fails and `check`."""
    # A session of its own: Ctrl-C ends local_test, which then removes what it made with working docker commands.
    command = ["docker", *arguments]
    with interrupts.held():  # or the daemon might make a container after everything was removed
        result = subprocess.run(command, input=stdin, capture_output=True, start_new_session=True, check=False)
    if check and result.returncode != 0:
        said = result.stderr.decode("utf-8", "replace").strip()
        raise SetupError(f"`docker {' '.join(arguments[:4])} ...` failed: {said}")
    return result


def output_of(*arguments: str) -> str:
    """Return what `docker ARGUMENTS` prints."""
    return docker(*arguments).stdout.decode("utf-8", "replace").strip()


def why_unusable() -> str | None:
    """Return why Docker cannot be used here, in a sentence with advice; None if it can."""
    if shutil.which("docker") is None:
        return "there is no `docker` command; install Docker, or use the process engine (ENGINE=process)"
    try:
        subprocess.run(["docker", "info"], capture_output=True, check=True, timeout=20, start_new_session=True)
    except subprocess.TimeoutExpired:
        return "the Docker daemon does not answer within 20 s; restart it, or use ENGINE=process"
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        return (
            f"the Docker daemon does not answer ({said[-1] if said else 'no reason given'}); "
            "start Docker, or use the process engine (ENGINE=process)"
        )
    return None


def remove_all(label: str) -> None:
    """Remove every container, volume and network with a label; quiet if there is none."""
    if containers := output_of("ps", "--all", "--quiet", "--filter", f"label={label}").split():
        docker("rm", "--force", "--volumes", *containers, check=False)
    if named := output_of("volume", "ls", "--quiet", "--filter", f"label={label}").split():
        docker("volume", "rm", "--force", *named, check=False)
    if networks := output_of("network", "ls", "--quiet", "--filter", f"label={label}").split():
        docker("network", "rm", *networks, check=False)
