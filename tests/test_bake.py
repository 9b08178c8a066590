"""Tier 2: generated projects are complete, exact, and refused where they cannot be."""

import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from template import (
    CONTEXT,
    FACTS,
    GROUPS,
    LANGUAGES,
    LAYERS,
    MATRIX,
    ONE_EACH,
    PROJECT,
    ROOT,
    files,
    layers,
    own_layers,
    rendered,
)

from hooks.post_gen_project import CHECKSUMS, EXAMPLE, EXAMPLE_LINE

HOSTILE = {
    "quotes": """it's "quoted" and 'quoted'""",
    "triple": "a \"\"\" and ''' end",
    "backslash": "C:\\new\\table \\",
    "newline": "first\nsecond",
    "cjk": "算法 アルゴリズム 알고리즘",
    "emoji": "🚀 café",
    "command": "$(touch x) `touch x` ; touch x & ${HOME} $$ %",
    "markup": "<b>&amp;</b> # * _ | ~",
}


# One framework of each language, and one of each group.
IN_GROUPS = [next(pair for pair in MATRIX if group in FACTS[pair[1]]["groups"]) for group in GROUPS]
OF_EACH_KIND = list(dict.fromkeys([*ONE_EACH, *IN_GROUPS]))


def contents(project: Path) -> dict[str, tuple[bytes, int]]:
    """Return the bytes and the mode of each file."""
    return {name: (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for name, path in files(project).items()}


def test_a_project_is_its_layers(bake, language, framework):
    project = bake(language=language, framework=framework)
    expected = dict(rendered())
    for folder in layers(language, framework).values():
        expected |= files(folder)
    example = expected.pop(EXAMPLE).read_bytes().strip()
    everything = {path.relative_to(project).as_posix() for path in project.rglob("*") if not path.is_dir()}
    assert everything == {*expected, CHECKSUMS}
    readme = (project / "README.md").read_bytes()
    assert example in readme and EXAMPLE_LINE not in readme
    for name, source in expected.items():
        if source.is_relative_to(LAYERS):
            assert (project / name).read_bytes() == source.read_bytes(), name


def test_nothing_of_the_template_is_left(bake, language, framework):
    project = bake(language=language, framework=framework)
    assert not (project / "_layers").exists()
    assert not [folder for folder in project.rglob("*") if folder.is_dir() and not any(folder.iterdir())]
    for name, path in files(project).items():
        assert b"cookiecutter." not in path.read_bytes(), name


def test_the_readme_names_the_owner_of_every_path(bake, language, framework):
    project = bake(language=language, framework=framework)
    _, yours, theirs = (project / "README.md").read_text().partition("## Ship it")[0].rsplit("|---|---|", 2)
    named = {
        name.strip("/"): owner
        for owner, table in (("yours", yours.partition("| the template's")[0]), ("the template's", theirs))
        for row in table.splitlines()
        for name in re.findall("`(.+?)`", row.split("|")[1] if "|" in row else "")
    }
    owners = {
        Path(name).parts[0]: "yours" if Path(name).parts[0] in CONTEXT["_yours"] else "the template's"
        for name in files(project)
    }
    assert named == owners


def edited(project):
    """Return what `make doctor` says is edited."""
    code = "from pathlib import Path; from local_test.edited import edited; print(*edited(Path()), sep='\\n')"
    return subprocess.check_output([sys.executable, "-B", "-c", code], cwd=project, text=True).split()


def test_doctor_names_what_is_edited_of_the_templates_files_only(bake, language, framework):
    project = bake(language=language, framework=framework)
    assert edited(project) == []
    for name in (LANGUAGES[language]["algorithm"], "README.md", "sample/sample.toml"):
        (project / name).write_text("mine")
    assert edited(project) == []
    (project / "Dockerfile").write_text("FROM mine")
    (project / "local_test/doctor.py").unlink()
    assert edited(project) == ["Dockerfile", "local_test/doctor.py"]


def origin(project):
    """Return what `make doctor` says of where the project comes from."""
    code = "from pathlib import Path; from local_test.doctor import origin, SIGNS\n"
    code += "for finding in origin(Path()): print(SIGNS[finding.ok], finding.text)"
    return subprocess.check_output([sys.executable, "-B", "-c", code], cwd=project, text=True).splitlines()


def test_doctor_says_which_version_of_the_template_a_project_has(bake):
    version, commit = origin(bake())
    assert version == f"✓ the template's version is {CONTEXT['_template_version']}, from {CONTEXT['_template_address']}"
    assert commit.startswith("\N{EN DASH} there is no .cruft.json: ")


def test_scripts_are_executable(bake, language, framework, template_copy):
    """Also where the template came as a zip, which loses the mode bits."""
    for path in files(template_copy).values():
        path.chmod(0o644)
    project = bake(template_copy, language=language, framework=framework)
    for name in ("runtime/train", "runtime/serve", "runtime/describe", "build_and_push.sh"):
        assert (project / name).stat().st_mode & 0o111 == 0o111, name
    assert not (project / "README.md").stat().st_mode & 0o111


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_answers_survive(bake, text):
    project = bake(project_name=text, description=text, author_name=text, project_slug="my-slug")
    assert f"# {text}\n\n{text}\n" in (project / "README.md").read_text()
    assert f"   Copyright {text}\n" in (project / "LICENSE").read_text()
    assert "IMAGE := my-slug\n" in (project / "Makefile").read_text()
    subprocess.run(["make", "help"], cwd=project, check=True, stdout=subprocess.DEVNULL)
    assert set(files(project)) == set(files(bake(output=project.parent / "plain")))


def test_only_rendered_files_depend_on_the_answers(bake, tmp_path):
    one = contents(bake(output=tmp_path / "1"))
    other = contents(bake(output=tmp_path / "2", project_name="Other", description="Else", author_name="Eve"))
    assert {name for name in one if one[name] != other[name]} == set(rendered()) - {"pyproject.toml"} | {CHECKSUMS}


def test_every_rendered_file_uses_an_answer():
    assert all("cookiecutter." in path.read_text() for path in rendered().values())


@pytest.mark.parametrize("name", ["My Algorithm", "算法", "🚀", "Ünïcode  Näme!", "a very long name " * 10])
def test_the_default_slug_is_a_good_one(cli, tmp_path, name):
    result = cli(f"project_name={name}")
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_the_next_steps_are_printed(cli):
    result = cli("project_slug=my-slug")
    assert result.returncode == 0, result.stderr
    assert "    cd my-slug\n    make local-test" in result.stdout


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("project_slug", "My Slug"),
        ("project_slug", "UPPER"),
        ("project_slug", "a_b"),
        ("project_slug", "-a"),
        ("project_slug", "a"),
        ("project_slug", "a-"),
        ("project_slug", "../escape"),
        ("project_slug", "a" * 64),
        ("project_slug", "算法"),
        ("project_slug", "$(touch x)"),
        ("project_name", "  "),
        ("description", " "),
        ("author_name", ""),
    ],
)
def test_bad_answers_are_refused(cli, tmp_path, field, value):
    before = set(tmp_path.iterdir())
    result = cli(f"{field}={value}")
    assert result.returncode != 0
    (line,) = [line for line in result.stderr.splitlines() if line.startswith(f"{field} = ")]
    assert json.dumps(value) in line
    assert list((tmp_path / "out").iterdir()) == []
    left = {path for path in tmp_path.iterdir() if path.is_dir() and path.name not in ("out", "replay")} - before
    assert not left


@pytest.mark.parametrize("slug", ["", ".", ".."])
def test_slugs_that_are_no_folder_are_refused(cli, tmp_path, slug):
    """Cookiecutter itself refuses them, before the hook is asked."""
    assert cli(f"project_slug={slug}").returncode != 0
    assert list((tmp_path / "out").glob("*")) == []


def test_the_language_follows_from_the_framework(cli, tmp_path, language, framework):
    result = cli(f"framework={framework}")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out/my-algorithm" / LANGUAGES[language]["algorithm"]).exists()


def test_a_framework_of_another_language_is_refused(cli, tmp_path):
    language, framework = MATRIX[0]
    other = next(name for name in LANGUAGES if name != language)
    result = cli(f"language={other}", f"framework={framework}")
    assert result.returncode != 0
    assert f'language = "{other}": the language of {framework} is {language}\n' in result.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_the_same_answers_give_the_same_bytes(bake, tmp_path, language, framework):
    one, other = (bake(output=tmp_path / output, language=language, framework=framework) for output in ("1", "2"))
    assert contents(one) == contents(other)


def test_generating_over_a_project_changes_nothing_and_keeps_other_files(bake, language, framework):
    project = bake(language=language, framework=framework)
    before = contents(project)
    (project / "mine.py").write_text("not even ( Python")
    bake(language=language, framework=framework)
    after = contents(project)
    assert after.pop("mine.py")[0] == b"not even ( Python"
    assert after == before


def test_a_used_checkout_leaves_no_caches_in_the_project(bake, template_copy, language, framework):
    for folder in layers(language, framework).values():
        cache = template_copy / folder.relative_to(LAYERS.parents[1]) / "runtime/__pycache__"
        cache.mkdir(parents=True)
        (cache / "train.cpython-313.pyc").write_bytes(b"\0")
    project = bake(template_copy, language=language, framework=framework)
    assert not list(project.rglob("__pycache__"))


def assert_refused(result: subprocess.CompletedProcess, output: Path, reason: str) -> None:
    """Assert that the reason was printed, success was not, and nothing is left."""
    assert result.returncode != 0
    assert "is not complete:" in result.stderr
    assert reason in result.stderr
    assert "make local-test" not in result.stdout
    assert list(output.iterdir()) == []


@pytest.mark.frameworks(OF_EACH_KIND)
@pytest.mark.parametrize(
    ("removed", "reason"),
    [
        ("runtime/adapter.*", "runtime/adapter.* is missing"),
        ("{algorithm}", "{algorithm} is missing"),
        ("{packages}", "{packages} is missing"),
        ("tests", "tests/**/test?algorithm.* is missing"),
        ("sample", "sample/sample.toml is missing"),
        ("", "runtime/adapter.* is missing"),
    ],
)
def test_a_framework_with_a_missing_file_is_refused(cli, tmp_path, template_copy, language, framework, removed, reason):
    names = {key: LANGUAGES[language][key] for key in ("algorithm", "packages")}
    own = [template_copy / folder.relative_to(ROOT) for folder in own_layers(language, framework)]
    for path in [path for layer in own for path in layer.glob(removed.format(**names))] if removed else own:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    result = cli(f"language={language}", f"framework={framework}", template=template_copy)
    assert_refused(result, tmp_path / "out", reason.format(**names))


@pytest.mark.frameworks(ONE_EACH)
@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("helper.py", "def f(:\n", "helper.py:1: "),
        ("helper.sh", "if true; then\n", "helper.sh: line "),
    ],
)
def test_a_framework_with_a_broken_script_is_refused(
    cli, tmp_path, template_copy, language, framework, name, text, reason
):
    (template_copy / PROJECT.name / "_layers" / language / framework / name).write_text(text)
    result = cli(f"language={language}", f"framework={framework}", template=template_copy)
    assert_refused(result, tmp_path / "out", reason)


def test_without_hooks_a_note_says_so(cli, tmp_path):
    result = cli("--accept-hooks", "no")
    assert result.returncode == 0, result.stderr
    assert "hooks were disabled" in (tmp_path / "out/my-algorithm/_layers/README.md").read_text()
