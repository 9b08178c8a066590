"""nginx, which stands in front of the workers: see nginx.conf."""

import os
import re
import shutil
from contextlib import chdir
from pathlib import Path

from runtime.errors import UserError
from runtime.serving.settings import Settings

TEMPLATE = Path(__file__).with_name("nginx.conf")
SOCKET = "workers"  # the name of the socket that all workers share, in the folder that nginx is started in


def find() -> str:
    """Return the path of the program. Raises UserError where it is not installed."""
    # Debian installs it in a folder that not every user has on PATH.
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not program:
        how = "apt-get install nginx (Debian, Ubuntu) or brew install nginx (macOS)"
        raise UserError(f"nginx is not installed: {how}; or run in the container, where it is")
    return program


def configuration(settings: Settings, run: Path) -> str:
    """Return nginx.conf for these settings; nginx keeps its own files in the folder `run`."""
    values = {
        # Started by root, nginx would run its workers as another user, who may not read the folder of the socket.
        "user": "user root;" if os.geteuid() == 0 else "",
        "run": run,
        "workers": f"unix:{SOCKET}",
        "port": settings.port,
        "max_payload_mb": settings.max_payload_mb,
        "timeout": settings.timeout,
        "queue": settings.queue,
        "capacity": settings.workers + settings.queue,
    }
    return re.sub(r"@(\w+)@", lambda match: str(values[match[1]]), TEMPLATE.read_text())


def start(program: str, settings: Settings, run: Path) -> int:
    """Start nginx in the folder `run`, which has the socket; the result is its process id."""
    file = run / "nginx.conf"
    file.write_text(configuration(settings, run))
    with chdir(run):
        return os.posix_spawn(program, [program, "-e", "stderr", "-c", str(file)], os.environ)
