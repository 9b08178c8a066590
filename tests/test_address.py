"""The template's address stands once, in cookiecutter.json, and `make address` gives a fork its own."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from commands import run
from template import CONTEXT, PROJECT, ROOT, files

ADDRESS = CONTEXT["_template_address"]
PAGES = [
    *ROOT.glob("*.md"),
    *(file for folder in ("docs", "examples") for file in files(ROOT / folder).values() if file.suffix == ".md"),
    PROJECT / "README.md",
]
# What a reader gives to these commands, where it is no file.
FETCHING = re.compile(r"(?:cookiecutter|cruft create|cruft link|git clone) (?:-\S+ )*((?:\w+:|git@)[^\s`]+)")


def test_every_page_that_fetches_the_template_names_its_address():
    named = {page: FETCHING.findall(page.read_text()) for page in PAGES}
    assert len([page for page, addresses in named.items() if addresses]) > 3
    assert {(page.name, one) for page, addresses in named.items() for one in addresses if one != ADDRESS} == set()


def rename(root: Path, address: str) -> subprocess.CompletedProcess:
    """Run what `make address` runs."""
    command = [sys.executable, root / "tools/address.py", address]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("new", ["https://git.example.com/ada/own-algo", "git@git.example.com:ada/own-algo.git"])
def test_a_fork_names_its_address_once(cli: Callable, tmp_path: Path, template_copy: Path, new: str):
    for command in (["init", "--quiet"], ["add", "--all"]):
        run("git", *command, cwd=template_copy)
    result = rename(template_copy, new)
    assert result.returncode == 0, result.stderr
    assert {"cookiecutter.json", "README.md"} < set(result.stdout.split())

    old = urlsplit(ADDRESS).path.strip("/")
    command = ["git", "grep", "--line-number", old]
    left = subprocess.run(command, cwd=template_copy, capture_output=True, text=True, check=False)
    assert left.stdout == ""

    made = cli(template=template_copy)
    assert made.returncode == 0, made.stderr
    assert new in made.stdout
    project = tmp_path / "out/my-algorithm"
    assert f"cruft link {new} " in (project / "README.md").read_text()
    assert tomllib.loads((project / "pyproject.toml").read_text())["tool"]["sm-algo"]["address"] == new


@pytest.mark.parametrize("new", ["", "gh:me/mine", "me/mine", "https://github.com", "https://github.com/a b"])
def test_an_address_that_git_does_not_clone_is_refused(tmp_path: Path, new: str):
    for name in ("tools/address.py", "cookiecutter.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    result = rename(tmp_path, new)
    assert result.returncode == 1
    assert result.stderr == f"ADDRESS={new}: use an address that git clones, such as https://github.com/me/sm-algo\n"
