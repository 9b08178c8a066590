"""`make lock` of a generated project pins what its packages depend on, and changes nothing else."""

import pytest
from commands import run
from template import LAYERS, MATRIX, files, own_layers, pinned
from test_project import make

PYTHON = [pair for pair in MATRIX if pair[0] == "python"]
FILES = ("constraints.txt", "runtime/constraints.txt", "requirements.txt")


def contents(project):
    """Return the files that a lock may change or leave behind."""
    return {name: (project / name).read_text() for name in FILES}, sorted(path.name for path in project.iterdir())


@pytest.mark.frameworks(PYTHON[:1])
def test_a_lock_pins_what_your_packages_bring(bake, language, framework):
    project = bake(language=language, framework=framework)
    requirements = project / "requirements.txt"
    requirements.write_text("joblib==1.6.0\nrequests==2.34.2\n")
    run("make", "lock", cwd=project)
    text = (project / "constraints.txt").read_text()
    assert "urllib3==" in text and "idna==" in text
    assert not any(f"{name}==" in text for name in ("requests", "joblib", "click", "Werkzeug"))

    locked = contents(project)
    run("make", "lock", cwd=project)
    assert contents(project) == locked, "without a change nothing changes"

    requirements.write_text("no-such-package-anywhere==1.0\n")
    before = contents(project)
    result = make(project, "lock")
    assert result.returncode != 0
    assert "constraints.txt stays as it was" in result.stderr
    assert contents(project) == before, "nothing is left of one that fails"


@pytest.mark.frameworks(PYTHON)
def test_what_the_runtime_brings_is_not_pinned_in_the_users_files(language, framework):
    """So an update of the template can raise it."""

    def all_pinned(names, folder):
        return set().union(*(pinned(folder.joinpath(name).read_text()) for name in names))

    runtime = LAYERS / language / "_shared/runtime"
    theirs = all_pinned(["requirements.txt", "constraints.txt", "tests/requirements.txt"], runtime)
    (own,) = [folder for folder in own_layers(language, framework) if folder.name == framework]
    yours = all_pinned([name for name in files(own) if name in ("requirements.txt", "constraints.txt")], own)
    assert theirs and yours
    assert not theirs & yours
