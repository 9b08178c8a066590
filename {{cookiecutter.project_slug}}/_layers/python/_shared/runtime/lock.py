"""Pins what requirements files depend on: `make lock`.

Usage: lock.py FILE [--without FILE] -- ARGUMENTS OF PIP INSTALL

FILE keeps its comments, and gets a line for each package that pip would install, except those that the requirements
name, which have their versions there, and those that the file of --without pins. Versions that it has already are kept
if they fit together; otherwise all are chosen again. If pip fails, FILE stays as it is.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def resolved(arguments: list[str], *, quiet: bool = False) -> dict[str, str]:
    """Return the versions of the packages that pip would install besides those it is told to; nothing is installed.

    Raises CalledProcessError where pip finds none that fit together; it says why, unless `quiet`.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        command = [*pip, "--dry-run", "--ignore-installed", "--report", str(report), *arguments]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL if quiet else None)
        found = json.loads(report.read_text())["install"]
    return {one["metadata"]["name"]: one["metadata"]["version"] for one in found if not one["requested"]}


def canonical(name: str) -> str:
    """Return a package's name as all its spellings are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(file: Path) -> set[str]:
    """Return the packages that a file pins."""
    return {canonical(line.partition("==")[0]) for line in file.read_text().splitlines() if "==" in line}


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(usage="lock.py FILE [--without FILE] -- ARGUMENTS OF PIP INSTALL")
    parser.add_argument("file", type=Path)
    parser.add_argument("--without", type=Path)
    parser.add_argument("arguments", nargs="+")
    options = parser.parse_args()
    left_out = pinned(options.without) if options.without else set()
    try:
        versions = resolved([*options.arguments, "-c", str(options.file)], quiet=True)
    except subprocess.CalledProcessError:
        try:
            versions = resolved(options.arguments)
        except subprocess.CalledProcessError:
            sys.exit(f"pip found no versions that fit together, see above: {options.file} stays as it was")
    lines = [line for line in options.file.read_text().splitlines() if line.startswith("#")]
    names = sorted((name for name in versions if canonical(name) not in left_out), key=canonical)
    lines += [f"{name}=={versions[name]}" for name in names]
    unfinished = options.file.with_name(f".{options.file.name}")
    unfinished.write_text("\n".join(lines) + "\n")
    os.replace(unfinished, options.file)


if __name__ == "__main__":
    main()
