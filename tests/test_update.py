"""Tier 6: `cruft create` makes what cookiecutter makes, and `cruft update` brings what changed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from template import CONTEXT, LANGUAGES, LAYERS, ONE_EACH, PROJECT, ROOT, files, layers
from test_bake import origin

pytestmark = pytest.mark.frameworks(ONE_EACH)  # cruft sees files, whatever is in them


@pytest.fixture
def run(tmp_path, config, monkeypatch):
    """Return a function that runs a command in a folder, with a git identity and a home of its own."""
    (tmp_path / "home").mkdir()
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path),
        "COOKIECUTTER_CONFIG": str(config),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "Test", f"GIT_{role}_EMAIL": "test@example.com"}

    def run(cwd: Path, *command: str) -> str:
        result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
        return result.stdout

    return run


@pytest.fixture
def commit(run):
    """Return a function that commits all of a folder, made a repository if it is none."""

    def commit(folder: Path) -> None:
        if not (folder / ".git").exists():
            run(folder, "git", "init", "--quiet", "--initial-branch", "main")
        run(folder, "git", "add", "--all")
        run(folder, "git", "commit", "--quiet", "--message", "change")

    return commit


@pytest.fixture
def create(tmp_path, run, commit, template_copy):
    """Return a function that makes a project with `cruft create` from the copy of the template."""

    def create(language: str, framework: str, *options: str) -> Path:
        if not (template_copy / ".git").exists():
            commit(template_copy)
        answers = json.dumps({"language": language, "framework": framework})
        cruft(run, tmp_path, "create", "--no-input", "--extra-context", answers, *options, str(template_copy))
        project = tmp_path / "my-algorithm"
        commit(project)
        return project

    return create


def cruft(run, cwd: Path, *arguments: str) -> str:
    """Run the real cruft command."""
    return run(cwd, sys.executable, "-c", "from cruft.__main__ import app; app()", *arguments)


def project_files(project: Path) -> dict[str, bytes]:
    """Return the project's files, without those of git and cruft."""
    names = {name: path for name, path in files(project).items() if not name.startswith(".git/")}
    return {name: path.read_bytes() for name, path in names.items() if name != ".cruft.json"}


def test_cruft_makes_what_cookiecutter_makes(bake, create, language, framework):
    project = create(language, framework)
    assert project_files(project) == project_files(bake(language=language, framework=framework))


def test_an_update_brings_changes_and_keeps_edits(run, commit, create, template_copy, language, framework):
    project = create(language, framework)
    algorithm = project / LANGUAGES[language]["algorithm"]
    algorithm.write_text(algorithm.read_text() + "# my own\n")
    commit(project)

    template_layers = template_copy / PROJECT.name / "_layers"
    shared = template_layers / "_shared/build_and_push.sh"
    shared.write_text(shared.read_text() + "# changed\n")
    (template_layers / language / framework / "NEWS").write_text("new\n")
    commit(template_copy)
    cruft(run, project, "update", "--skip-apply-ask")

    assert (project / "build_and_push.sh").read_text() == shared.read_text()
    assert (project / "build_and_push.sh").stat().st_mode & 0o100
    assert (project / "NEWS").read_text() == "new\n"
    assert algorithm.read_text().endswith("# my own\n")
    assert not list(project.rglob("*.rej"))
    assert "up to date" in cruft(run, project, "check")


def test_an_update_never_touches_what_is_yours(run, commit, create, template_copy, language, framework):
    """Every file of the user's is edited here and every file is in the template, of which some are new in it."""
    project = create(language, framework)
    yours = set(CONTEXT["_yours"])
    mine = {name for name in project_files(project) if name.partition("/")[0] in yours}
    for name in mine:
        (project / name).write_text("mine\n")
    commit(project)
    before = project_files(project)

    for folder in layers(language, framework).values():
        for name, path in files(template_copy / folder.relative_to(ROOT)).items():
            if path.suffix not in (".py", ".R", ".sh", "") or name.partition("/")[0] in yours:
                path.write_bytes(path.read_bytes() + b"\n")
            else:
                path.write_text(path.read_text() + "\n# changed by the template\n")
    own = template_copy / LAYERS.relative_to(ROOT) / language / framework
    for name in ("sagemaker.toml", "system-packages.txt", "examples/new.py"):
        (own / name).parent.mkdir(exist_ok=True)
        (own / name).write_text("# new in the template\n")
    commit(template_copy)
    cruft(run, project, "update", "--skip-apply-ask")

    after = project_files(project)
    assert not list(project.rglob("*.rej"))
    assert {name for name in after if name not in before} == set()
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed and not changed & mine
    assert {name for name in before if name not in mine} - changed <= {"pyproject.toml", "Makefile"}


NOW, NEXT = CONTEXT["_template_version"], "99.0.0"


@pytest.fixture
def releases(run, commit, template_copy):
    """The copy of the template with two releases, this version and the next, and a change since; NEWS says which."""
    news = template_copy / LAYERS.relative_to(ROOT) / "_shared/NEWS"
    questions = template_copy / "cookiecutter.json"
    for version in (NOW, NEXT):
        news.write_text(f"{version}\n")
        questions.write_text(questions.read_text().replace(f'"{NOW}"', f'"{version}"'))
        (template_copy / "CHANGELOG.md").write_text(f"## {version} - 2026-11-29\n\n- News.\n")
        commit(template_copy)
        run(template_copy, sys.executable, "tools/release.py")
    news.write_text("not released\n")
    commit(template_copy)
    return template_copy


def whence(run, template: Path, tag: str) -> list[str]:
    """Return what `make doctor` says of a project that has the files of a tag."""
    commit = run(template, "git", "rev-parse", f"{tag}^{{commit}}")
    return [
        f"✓ the template's version is {tag[1:]}, from {CONTEXT['_template_address']}",
        f"✓ the template's commit is {commit[:12]} of {template}",
    ]


@pytest.mark.frameworks(ONE_EACH[:1])
def test_a_project_made_at_a_release_updates_to_the_next_one(run, commit, create, releases, language, framework):
    project = create(language, framework, "--checkout", f"v{NOW}")
    assert (project / "NEWS").read_text() == f"{NOW}\n"
    assert origin(project) == whence(run, releases, f"v{NOW}")

    cruft(run, project, "update", "--skip-apply-ask", "--checkout", f"v{NEXT}")
    assert (project / "NEWS").read_text() == f"{NEXT}\n"
    assert origin(project) == whence(run, releases, f"v{NEXT}")
    assert not list(project.rglob("*.rej"))
    commit(project)

    cruft(run, project, "update", "--skip-apply-ask")
    assert (project / "NEWS").read_text() == "not released\n", "without a release it is what is newest"


@pytest.mark.frameworks(ONE_EACH[:1])
def test_a_project_that_cookiecutter_made_is_linked_by_its_release(
    cli, run, commit, tmp_path, releases, language, framework
):
    answers = {"language": language, "framework": framework}
    given = [f"{name}={answer}" for name, answer in answers.items()]
    result = cli("--checkout", f"v{NOW}", *given, template=f"git+file://{releases}")
    assert result.returncode == 0, result.stderr
    project = tmp_path / "out/my-algorithm"
    assert re.search(f"cruft link .* --checkout v{NOW} ", (project / "README.md").read_text())

    how = ["--no-input", "--extra-context", json.dumps(answers), "--checkout", f"v{NOW}"]
    cruft(run, project, "link", *how, str(releases))
    assert origin(project) == whence(run, releases, f"v{NOW}")
    commit(project)
    cruft(run, project, "update", "--skip-apply-ask", "--checkout", f"v{NEXT}")
    assert (project / "NEWS").read_text() == f"{NEXT}\n"
    assert origin(project) == whence(run, releases, f"v{NEXT}")
