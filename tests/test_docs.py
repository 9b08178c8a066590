"""The pages of docs/: they can be built, and what they name exists.

What their commands do is for other tests to show, which the pages name. `make docs`, which is run here, finds links and
anchors that lead nowhere, and clauses that the contract has not.
"""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from urllib.parse import unquote

import pytest
from commands import run
from template import LAYERS, MATRIX, ROOT, files, layers, rendered

from hooks.post_gen_project import CHECKSUMS

# The repository's files, those too that are not committed yet; what git ignores is not among them.
NAMES = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")[:-1]
REPOSITORY = {name: ROOT / name for name in sorted(NAMES) if (ROOT / name).is_file()}
PAGES = [path for name, path in REPOSITORY.items() if name.startswith("docs/") and path.suffix == ".md"]
OTHER_PAGES = [path for path in REPOSITORY.values() if path.suffix == ".md" and path not in PAGES]

IN_BACKTICKS = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
INDENTED = re.compile(r"^ {4}(.+)$", re.MULTILINE)
# A block of code, and the file that a comment above it names: <!-- examples/titanic/algorithm.py -->
FENCED = re.compile(r"^(?:<!-- ([^\n]+) -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s:#]+)(?:#[^)\s]*)?\)")
MAKE = re.compile(r"\bmake\b([^#;&|]*)")

# A name in backticks is a file's if it ends so, or is in a folder that projects or the repository have.
SUFFIXES = (".py", ".R", ".md", ".toml", ".txt", ".sh", ".mk", ".yml", ".conf", ".html", ".xml")
NAME = re.compile(r"\.?[a-z_][\w.-]*(/[\w.-]+)*/?", re.IGNORECASE)
# What local_test writes.
WRITTEN = {"local_test/report.html", "local_test/junit.xml"}

PARSERS = {"python": ast.parse, "toml": tomllib.loads, "json": json.loads}


@pytest.fixture(params=PAGES, ids=lambda page: page.relative_to(ROOT / "docs").as_posix())
def page(request: pytest.FixtureRequest) -> Path:
    """Each page of docs/."""
    return request.param


def code(page: Path) -> Iterator[str]:
    """Yield what stands in backticks on a page, and each line of its indented blocks."""
    text = page.read_text()
    yield from IN_BACKTICKS.findall(text)
    yield from INDENTED.findall(text)


def stands_in(text: str, source: str) -> bool:
    """Return whether lines stand in a source in one piece; all may be indented alike."""
    lines, known = text.splitlines(), source.splitlines()
    pieces = (known[start : start + len(lines)] for start in range(len(known)))
    return any(dedent("\n".join(piece)) == dedent("\n".join(lines)) for piece in pieces)


def of_projects() -> set[str]:
    """Return the files that a project can have, whatever its framework."""
    return {CHECKSUMS, *rendered(), *(name for pair in MATRIX for one in layers(*pair).values() for name in files(one))}


def makefiles(folder: str) -> str:
    """Return the Makefiles that `make` in a folder may mean: a project's or the template's without one."""
    if folder == "benchmarks":
        return (ROOT / "benchmarks/Makefile").read_text()
    languages = [path.read_text() for path in LAYERS.glob("*/_shared/language.mk")]
    return "\n".join([(ROOT / "Makefile").read_text(), rendered()["Makefile"].read_text(), *languages])


def test_the_pages_can_be_built_without_a_warning():
    run("make", "docs", cwd=ROOT)
    assert (ROOT / "build/docs/index.html").exists()


def test_what_make_is_told_to_do_it_can_do(page: Path):
    for line in code(page):
        for arguments in MAKE.findall(line):
            words = shlex.split(arguments)
            folder = words.pop(words.index("-C") + 1) if "-C" in words else ""
            known = makefiles(folder)
            for word in words:
                variable, is_variable, _ = word.partition("=")
                if is_variable:
                    assert f"$({variable})" in known or f"$(if $({variable})" in known, f"{line}: {variable}"
                elif not word.startswith("-"):
                    assert re.search(rf"^{re.escape(word)}:", known, re.MULTILINE), f"{line}: {word}"


def test_files_that_are_named_exist(page: Path):
    known = of_projects() | set(REPOSITORY) | WRITTEN
    known |= {f"{folder}/" for name in known for folder in map(str, Path(name).parents)}
    rooms = {name.partition("/")[0] for name in known if "/" in name}
    for name in IN_BACKTICKS.findall(page.read_text()):
        if NAME.fullmatch(name) and (name.endswith(SUFFIXES) or (name.partition("/")[0] in rooms and "/" in name)):
            ends = (f"/{name}", f"/{name}/")
            assert any(one in (name, f"{name}/") or one.endswith(ends) for one in known), name


def test_checks_and_tests_that_are_named_exist(page: Path):
    sources = [path for name, path in REPOSITORY.items() if "test" in path.stem and path.suffix in (".py", ".R")]
    known = {path.stem for path in sources}
    for path in sources:
        known |= set(re.findall(r"^(?:def )?(test_\w+)(?:\(| <- function)", path.read_text(), re.MULTILINE))
    assert set(re.findall(r"\btest_[a-z]\w*", page.read_text())) <= known


def test_code_is_code(page: Path):
    for _, language, text in FENCED.findall(page.read_text()):
        if language in PARSERS:
            PARSERS[language](text)


def test_code_of_a_file_stands_in_it(page: Path):
    for name, _, text in FENCED.findall(page.read_text()):
        if name:
            assert name in REPOSITORY, f"{page.name} shows code of {name}, and there is no such file:\n{text}"
            shown = stands_in(text, REPOSITORY[name].read_text())
            assert shown, f"{page.name} shows code that is not in {name}:\n{text}"


def test_code_of_your_algorithm_is_that_of_files():
    """But for R's input_fn, which the page says is tried by hand."""
    for name, language, text in FENCED.findall((ROOT / "docs/your-algorithm.md").read_text()):
        if language in ("python", "r", "toml") and "input_fn <- function" not in text:
            assert name, f"your-algorithm.md does not say, in a comment above it, which file this code is of:\n{text}"


@pytest.mark.parametrize("page", OTHER_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_of_other_pages_lead_somewhere(page: Path):
    for link in LINK.findall(IN_BACKTICKS.sub("", page.read_text())):
        assert (page.parent / unquote(link)).exists(), link


def test_each_complaint_of_the_contract_has_a_row():
    contract = (LAYERS / "_shared/local_test/contract.md").read_text()
    section = contract.partition("\n# 10. ")[2].partition("\n# ")[0]
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "docs/troubleshooting.md").read_text(), re.MULTILINE)
    assert rows == re.findall(r"^(\d+)\. ", section, re.MULTILINE)


def test_each_example_is_in_the_gallery():
    gallery = (ROOT / "docs/gallery.md").read_text()
    shown = set(re.findall(r"\]\(\.\./(examples/[\w-]+)/README\.md\)", gallery))
    assert shown == {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("examples/*/README.md")}
