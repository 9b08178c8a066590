"""The template as the tests see it: its folders, its matrix, a copy to change; read from it, never typed."""

import json
import re
import shutil
from pathlib import Path

from hooks import post_gen_project
from hooks.post_gen_project import STRAY

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
LAYERS = PROJECT / "_layers"

CONTEXT = json.loads((ROOT / "cookiecutter.json").read_text())
FACTS = CONTEXT["_frameworks"]
LANGUAGES = CONTEXT["_languages"]
MATRIX = [(facts["language"], framework) for framework, facts in FACTS.items()]
ONE_EACH = [next(pair for pair in MATRIX if pair[0] == language) for language in LANGUAGES]
GROUPS = sorted({group for facts in FACTS.values() for group in facts["groups"]})
FRAMEWORKS = [framework for _, framework in MATRIX]


def files(root: Path) -> dict[str, Path]:
    """Return the files below a folder by their relative names, without what tools leave behind."""
    found = {path.relative_to(root): path for path in sorted(root.rglob("*")) if not path.is_dir()}
    return {name.as_posix(): path for name, path in found.items() if STRAY.isdisjoint(name.parts)}


def rendered() -> dict[str, Path]:
    """Return the files that cookiecutter renders."""
    return {name: path for name, path in files(PROJECT).items() if not name.startswith("_layers/")}


def layers(language: str, framework: str) -> dict[str, Path]:
    """Return the layers that meet in a project, by name."""
    found = post_gen_project.layers(LAYERS, CONTEXT | {"language": language, "framework": framework})
    return {folder.relative_to(LAYERS).as_posix(): folder for folder in found}


def distributes(language: str, framework: str) -> bool:
    """Return whether the framework trains on several hosts together."""
    return FACTS[framework]["distributes"]


def own_layers(language: str, framework: str) -> list[Path]:
    """Return the framework's own layer and those of its groups, without what every project of the language has."""
    return [folder for name, folder in layers(language, framework).items() if not name.endswith("_shared")]


def copy_template(target: Path) -> Path:
    """Copy the template, as a checkout without git, and return the copy."""
    ignored = shutil.ignore_patterns(".git", "build", *STRAY)
    return shutil.copytree(ROOT, target, ignore=ignored)


def pinned(text: str) -> set[str]:
    """Return the names of the packages that a file pins, as PyPI compares them."""
    lines = [line for line in text.splitlines() if "==" in line]
    return {re.sub("[-_.]+", "-", re.split(r"==|[\[; ]", line)[0]).lower() for line in lines}
