"""The hooks' functions, imported unrendered; test_bake.py runs the rendered hooks."""

import subprocess
import sys

import pytest
from template import FACTS, LANGUAGES, MATRIX

from hooks import post_gen_project as post
from hooks import pre_gen_project as pre

LANGUAGE, FRAMEWORK = MATRIX[0]
GOOD = {
    "project_name": "My Algorithm",
    "project_slug": "my-algorithm",
    "description": "It predicts.",
    "author_name": "Ada",
    "language": LANGUAGE,
    "framework": FRAMEWORK,
    "_frameworks": FACTS,
}


@pytest.mark.parametrize("slug", ["ab", "7x", "my-algorithm", "a--b", "a" * 63])
def test_good_answers_are_taken(slug):
    assert pre.problems({**GOOD, "project_slug": slug}) == []


@pytest.mark.parametrize(
    "slug", ["", " ", "a", "7", "A", "a b", "a_b", "a.b", "-a", "a-", "a/b", "../a", "a\n", "é", "a" * 64, "$(touch x)"]
)
def test_bad_slugs_are_refused(slug):
    (line,) = pre.problems({**GOOD, "project_slug": slug})
    assert line.startswith("project_slug = ") and "2 to 63 lowercase letters" in line and "\n" not in line


@pytest.mark.parametrize("field", ["project_name", "description", "author_name"])
@pytest.mark.parametrize("value", ["", "  ", "\t\n"])
def test_empty_answers_are_refused(field, value):
    (line,) = pre.problems({**GOOD, field: value})
    assert line.startswith(f"{field} = ") and "must not be empty" in line and "\n" not in line


def test_a_framework_of_another_language_is_refused():
    (line,) = pre.problems({**GOOD, "language": "else"})
    assert line == f'language = "else": the language of {FRAMEWORK} is {LANGUAGE}'


def test_every_bad_answer_has_its_line():
    assert len(pre.problems({**GOOD, "project_name": "", "project_slug": "", "language": "else"})) == 3


def test_lay_moves_files_and_leaves_caches(tmp_path):
    layer, project = tmp_path / "layer", tmp_path / "project"
    for name in ("runtime/train", "runtime/__pycache__/a.pyc", ".pytest_cache/x", ".dotfile"):
        (layer / name).parent.mkdir(parents=True, exist_ok=True)
        (layer / name).write_text(name)
    laid = post.lay(layer, project)
    assert laid == [project / ".dotfile", project / "runtime/train"]
    assert sorted(path for path in project.rglob("*") if path.is_file()) == laid
    assert (project / "runtime/train").read_text() == "runtime/train"


def test_missing_names_the_pattern(tmp_path):
    (tmp_path / "algorithm.R").touch()
    assert post.missing(tmp_path, ["algorithm.*", "runtime/*"]) == ["runtime/* is missing"]


@pytest.mark.parametrize(
    ("name", "content", "program"),
    [
        ("a.py", "", "python"),
        ("a.sh", "", "bash"),
        ("a.R", "", "Rscript"),
        ("train", "#!/usr/bin/env python3\n", "python"),
        ("train", "#!/bin/sh\n", "bash"),
        ("train", "#!/usr/bin/env -S Rscript --vanilla\n", "Rscript"),
        ("train", "#!/bin/perl\n", ""),
        ("data.csv", "python", ""),
    ],
)
def test_interpreter(tmp_path, name, content, program):
    (tmp_path / name).write_text(content)
    assert post.interpreter(tmp_path / name) == program


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.py", b"def f(:\n", "a.py:1: "),
        ("a.py", b"\n\nreturn 1\n", "a.py:3: 'return' outside function"),
        ("a.py", b"x = '\xff'\n", "a.py"),
        ("a.py", b"x = 1\0\n", "a.py"),
        ("train", b"#!/usr/bin/env python3\nx = (\n", "train:2: "),
        ("a.sh", b"if true; then\n", "a.sh: line "),
    ],
)
def test_broken_says_where_and_why(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    (fault,) = post.broken([tmp_path / name])
    assert reason in fault
    assert [path.name for path in tmp_path.iterdir()] == [name]  # no __pycache__


def test_sound_scripts_are_not_broken(tmp_path):
    contents = {
        "a.py": "x = 1\n",
        "a.sh": "echo\n",
        "train": "#!/usr/bin/env python3\n",
        "data.bin": "\0\xff",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    assert post.broken([tmp_path / name for name in contents]) == []


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Return a function that puts a program of this name first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def program(name, body):
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)

    return program


def test_r_files_are_parsed_by_one_rscript(tmp_path, program):
    files = [tmp_path / "a.R", tmp_path / "b.R"]
    for file in files:
        file.touch()
    program("Rscript", f'echo "$@" >>{tmp_path}/log; echo "unexpected symbol" >&2; exit 1')
    assert post.broken(files) == ["unexpected symbol"]
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.endswith(f"{files[0]} {files[1]}")


@pytest.mark.parametrize(
    ("body", "state"), [("exit 0", "running"), ("exit 1", "not running"), ("exec sleep 60", "not running")]
)
def test_docker_state(program, body, state):
    program("docker", body)
    assert post.docker_state(post.ask_docker()) == state


def test_docker_that_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert post.docker_state(post.ask_docker()) == "not installed"


def test_next_steps_say_what_the_machine_lacks():
    answers = {**GOOD, "_languages": LANGUAGES, "_template_address": "https://example.com/sm-algo"}
    assert "make local-test" in post.next_steps(answers, "running")
    assert "Docker" not in post.next_steps(answers, "running")
    assert "Docker is not running: make local-test will run" in post.next_steps(answers, "not running")


def test_the_hooks_use_the_standard_library_only():
    """In a Python without any packages, not even those of its own environment."""
    for hook in (pre, post):
        command = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"exec(open({hook.__file__!r}).read(), {{'__name__': 'hook'}})",
        ]
        subprocess.run(command, check=True)
