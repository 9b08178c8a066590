"""Shared libraries that a package needs and does not contain: what the user has to install."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import UserError

TABLE = Path(__file__).resolve().parent / "libraries.txt"
# The message of the system's loader, within whatever text of a package. A path is a file of the algorithm's own.
MISSING = re.compile(r"(?<![/\w.+-])(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")
# These come with NVIDIA's driver; no package of the image can replace it.
DRIVER = ("libcuda.so", "libnvidia-")
SEARCH = "https://packages.debian.org/search?searchon=contents&keywords="


@contextmanager
def explained() -> Iterator[None]:
    """Raise UserError, with advice, instead of an error about a missing shared library."""
    try:
        yield
    except Exception as error:
        found = MISSING.search(str(error))
        if found is None or found[1].startswith(DRIVER):
            raise
        raise UserError(missing(found[1])) from error


def missing(library: str) -> str:
    """Say what to do about a shared library that is missing, e.g. libgomp.so.1."""
    rows = (line.split() for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    if package := dict(rows).get(library):
        return (
            f"the shared library {library} is missing: write its Debian package, {package}, into system-packages.txt "
            f"and build the image again (without an image: apt-get install {package})"
        )
    return (
        f"the shared library {library} is missing: write its Debian package, which {SEARCH}{library} finds, into "
        "system-packages.txt and build the image again"
    )
