"""Tags a release: the version of cookiecutter.json, whose section of CHANGELOG.md is the tag's message.

A release is a tag of git, which `cookiecutter` and `cruft` take as `--checkout v0.1.0`. It is made where the version's
section has its date, nothing is unreleased besides, and all is committed. Nothing is pushed.

Usage: python tools/release.py
"""

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEY = "_template_version"
VERSION = re.compile(r"\d+\.\d+\.\d+")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
HEADING = re.compile(r"^## (.+)\n", re.MULTILINE)


def git(*arguments: str, text: str | None = None) -> str:
    """Run git with this text as its input; return what it prints. Raises CalledProcessError."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout


def sections(changelog: str) -> dict[str, str]:
    """Return the text below each heading of second order."""
    _, *parts = HEADING.split(changelog)
    return {heading.strip(): text.strip() for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def notes(changelog: str, version: str) -> str:
    """Return the version's section of the changelog. Exits where the changelog is not that of a release."""
    found = sections(changelog)
    if found.get("Unreleased"):
        sys.exit(f"CHANGELOG.md: move what is under Unreleased into a section `## {version} - {date.today()}`")
    for heading, text in found.items():
        name, _, day = heading.partition(" - ")
        if name == version and DAY.fullmatch(day) and text:
            return text
    sys.exit(f"CHANGELOG.md: there is no section `## {version} - {date.today()}` with a text: write it first")


def main() -> None:
    """Tag the release, and say how it is published; exit with a sentence where it cannot be one."""
    version = json.loads((ROOT / "cookiecutter.json").read_text())[KEY]
    if not VERSION.fullmatch(version):
        sys.exit(f'cookiecutter.json: "{KEY}" is "{version}": use three numbers, such as 0.2.0')
    text = notes((ROOT / "CHANGELOG.md").read_text(), version)
    tag = f"v{version}"
    if git("tag", "--list", tag):
        sys.exit(f'{tag} is a release already: raise "{KEY}" in cookiecutter.json')
    if changed := git("status", "--porcelain"):
        sys.exit(f"commit first:\n{changed.rstrip()}")
    # Lines of the message may begin with #, which git would take for comments.
    git("tag", "--annotate", "--cleanup=whitespace", "--file=-", tag, text=f"{tag}\n\n{text}\n")
    print(f"{tag} is tagged. Publish it: git push origin HEAD {tag}")


if __name__ == "__main__":
    main()
