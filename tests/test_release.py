"""`make release` tags what is ready, says what is not, and never half-does it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import run
from template import CONTEXT, ROOT

KEY = "_template_version"
VERSION = CONTEXT[KEY]
CHANGELOG = """# Changelog

## Unreleased

## 0.2.0 - 2027-01-31

### Added

- A `#` that stays.

## 0.1.0 - 2026-11-29

- All.
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with what a release needs: version 0.2.0, its section of the changelog, and all committed."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/release.py").write_bytes((ROOT / "tools/release.py").read_bytes())
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "cookiecutter.json").write_text(json.dumps({KEY: "0.2.0"}))
    run("git", "init", "--quiet", cwd=tmp_path)
    for name, value in (("user.name", "Test"), ("user.email", "test@example.com"), ("tag.gpgsign", "false")):
        run("git", "config", name, value, cwd=tmp_path)
    commit(tmp_path)
    return tmp_path


def commit(repository: Path) -> None:
    """Commit all that there is."""
    run("git", "add", "--all", cwd=repository)
    run("git", "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "change", cwd=repository)


def release(repository: Path) -> subprocess.CompletedProcess:
    """Run what `make release` runs."""
    command = [sys.executable, repository / "tools/release.py"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def tags(repository: Path) -> list[str]:
    """Return the tags of a repository."""
    return run("git", "tag", cwd=repository).split()


def test_the_newest_section_of_the_changelog_is_that_of_the_version():
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0] == "## Unreleased"
    assert headings[1].startswith(f"## {VERSION} - ")


def test_a_release_is_a_tag_with_its_section_of_the_changelog(repository: Path):
    result = release(repository)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "v0.2.0 is tagged. Publish it: git push origin HEAD v0.2.0\n"
    message = run("git", "tag", "--list", "--format", "%(contents)", "v0.2.0", cwd=repository)
    assert message.strip() == "v0.2.0\n\n### Added\n\n- A `#` that stays."
    assert run("git", "rev-parse", "v0.2.0^{commit}", cwd=repository) == run("git", "rev-parse", "HEAD", cwd=repository)

    again = release(repository)
    assert again.returncode == 1
    assert again.stderr == f'v0.2.0 is a release already: raise "{KEY}" in cookiecutter.json\n'


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("CHANGELOG.md", "2027-01-31", "soon", "there is no section `## 0.2.0 - "),
        ("CHANGELOG.md", "## 0.2.0 -", "## 0.2.1 -", "there is no section `## 0.2.0 - "),
        (
            "CHANGELOG.md",
            "## Unreleased\n",
            "## Unreleased\n\n- New.\n",
            "move what is under Unreleased into a section",
        ),
        ("cookiecutter.json", "0.2.0", "0.2", 'is "0.2": use three numbers'),
    ],
)
def test_what_is_not_ready_is_not_tagged(repository: Path, file: str, old: str, new: str, words: str):
    path = repository / file
    path.write_text(path.read_text().replace(old, new))
    commit(repository)
    result = release(repository)
    assert result.returncode == 1
    assert result.stderr.startswith(f"{file}: ") and words in result.stderr
    assert tags(repository) == []


def test_what_is_not_committed_is_named(repository: Path):
    (repository / "new.py").touch()
    result = release(repository)
    assert result.returncode == 1
    assert result.stderr == "commit first:\n?? new.py\n"
    assert tags(repository) == []
