"""The how-to pages: a project with the files of an example, as its README.md lays them, passes its own checks.

Another example is another folder of examples/, with an example.toml that names its framework and engine. One that takes
long is tried `by_hand`: SM_ALGO_HOWTO=graph-network.
"""

import os
import tomllib
from pathlib import Path

import pytest
from commands import run
from template import FACTS, ROOT

EXAMPLES = {file.parent: tomllib.loads(file.read_text()) for file in sorted(ROOT.glob("examples/*/example.toml"))}
CHOSEN = os.environ.get("SM_ALGO_HOWTO", "").split()
# How make is told to run the tests of the algorithm alone.
OWN_TESTS = {"python": "ARGS=tests", "r": "ARGS=algorithm"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run once for each example."""
    names = ("example", "language", "framework", "engine")
    cases = [
        (folder, FACTS[about["framework"]]["language"], about["framework"], about["engine"])
        for folder, about in EXAMPLES.items()
        if folder.name in CHOSEN or not (CHOSEN or about.get("by_hand"))
    ]
    metafunc.parametrize(names, cases, ids=[case[0].name for case in cases], scope="session")


def laying_out(example: Path) -> list[str]:
    """Return the commands of an example's README.md that lay its files over a project."""
    lines = (example / "README.md").read_text().splitlines()
    return [line.strip() for line in lines if line.startswith(("    rm -r ", "    cp -r "))]


def test_every_folder_says_what_it_is_an_example_of(example: Path, language: str, framework: str, engine: str):
    folders = {folder for folder in (ROOT / "examples").iterdir() if folder.is_dir()}
    assert folders == set(EXAMPLES)
    assert engine in ("docker", "process")
    assert f"framework={framework}" in (example / "README.md").read_text()
    assert len(laying_out(example)) >= 2


def test_a_project_with_the_files_of_an_example_passes(
    bake, package_index: None, request, example: Path, language: str, framework: str, engine: str
):
    if engine == "docker":
        request.getfixturevalue("docker")  # skips, with the reason, where it does not run
    project = bake(project_slug=f"sm-algo-test-{example.name}", language=language, framework=framework)
    (project.parent / "sm-algo").symlink_to(ROOT)  # where git clone leaves it
    for command in laying_out(example):
        run("bash", "-c", command, cwd=project)
    run("make", "local-test", f"ENGINE={engine}", cwd=project)
    run("make", "test", OWN_TESTS[language], cwd=project)
