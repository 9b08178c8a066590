"""Puts the address of a fork in the place of the template's own: in cookiecutter.json, and in every file that names it.

The address is one that git clones, since cruft, unlike cookiecutter, knows no gh:. Generated projects, and what is
printed when one is made, have it from cookiecutter.json; the pages name it as text.

Usage: python tools/address.py https://github.com/me/sm-algo
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEY = "_template_address"
CLONED = re.compile(r"(https|ssh)://[\w.@:-]+(/[\w.~-]+)+|[\w.-]+@[\w.-]+:[\w.~/-]+")


def address(root: Path) -> str:
    """Return the template's address."""
    return json.loads((root / "cookiecutter.json").read_text())[KEY]


def naming(root: Path, text: str) -> list[Path]:
    """Return the files of git's index that have a text; those that are binary are left out."""
    command = ["git", "grep", "--cached", "-I", "--name-only", "--null", "--fixed-strings", "-e", text]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout
    return [root / name for name in names.split("\0") if name]


def replace(root: Path, new: str) -> list[Path]:
    """Write the new address wherever the old one stands; return the files that have changed."""
    old = address(root)
    whole = re.compile(re.escape(old) + r"(?![\w-])")
    changed = []
    for file in naming(root, old):
        content = file.read_text()
        if (replaced := whole.sub(lambda _: new, content)) != content:
            file.write_text(replaced)
            changed.append(file)
    return changed


def main(new: str) -> None:
    """Replace the address, and say where."""
    if not CLONED.fullmatch(new):
        sys.exit(f"ADDRESS={new}: use an address that git clones, such as https://github.com/me/sm-algo")
    for file in replace(ROOT, new):
        print(file.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1])
