"""Virtual environments of what is compared, each with pinned packages."""

import sys
from collections.abc import Sequence
from pathlib import Path

from common.processes import run

BENCHMARKS = Path(__file__).resolve().parent.parent
BUILD = BENCHMARKS / "build"
TEMPLATE_REQUIREMENTS = BENCHMARKS / "common/template-requirements.txt"


def python(name: str, *requirements: Path, constraints: Sequence[Path] = ()) -> str:
    """Return the interpreter of a virtual environment with these packages, made when they change."""
    folder = BUILD / "venv" / name
    made_of, wanted = (
        folder / "made_of",
        "\n".join([sys.version, *(file.read_text() for file in [*requirements, *constraints])]),
    )
    if not made_of.exists() or made_of.read_text() != wanted:
        print(f"making the virtual environment of {name}", flush=True)
        arguments = [part for file in requirements for part in ("-r", str(file))]
        arguments += [part for file in constraints for part in ("-c", str(file))]
        run(sys.executable, "-m", "venv", "--clear", str(folder))
        run(str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *arguments)
        made_of.write_text(wanted)
    return str(folder / "bin/python")


def pins(*requirements: Path) -> dict[str, str]:
    """Return the versions that requirements files pin, the names in small letters."""
    lines = [line.partition(";")[0].strip() for file in requirements for line in file.read_text().splitlines()]
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {name.lower(): version for name, version in pairs}
