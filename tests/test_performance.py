"""docs/performance.md and the README say of speed what benchmarks/*/results.json have recorded; nothing is measured."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from template import ROOT

FAILS = "not as the results.json of the suites have it: {}; run make -C benchmarks page\n"


def check(root: Path) -> subprocess.CompletedProcess:
    """Run `make -C benchmarks page ARGS=--check`."""
    command = [sys.executable, "-B", "-m", "page", "--check"]
    return subprocess.run(command, cwd=root / "benchmarks", capture_output=True, text=True, check=False)


def test_the_pages_show_what_is_recorded():
    result = check(ROOT)
    assert result.returncode == 0, result.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the pages and the benchmarks."""
    for folder in ("benchmarks", "docs/plots"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("build", "__pycache__"))
    for page in ("README.md", "docs/performance.md"):
        shutil.copy(ROOT / page, tmp_path / page)
    return tmp_path


def test_a_record_that_is_replaced_makes_pages_and_plot_stale(copy: Path):
    file = copy / "benchmarks/serving/results.json"
    runs = json.loads(file.read_text())
    runs["scikit-learn"]["tables"]["iris: one row per request, 8 kept-alive connections"]["rows"]["sm-algo"] |= {
        "requests/s": 12345.6
    }
    file.write_text(json.dumps(runs))
    result = check(copy)
    assert result.returncode == 1
    assert result.stderr == FAILS.format("README.md, docs/performance.md, docs/plots/serving-scikit-learn-iris.svg")


def test_a_new_run_has_no_plot_yet_and_a_run_that_is_gone_has_one_too_many(copy: Path):
    file = copy / "benchmarks/networks_serving/results.json"
    runs = json.loads(file.read_text())
    runs["another"] = runs.pop("pytorch")
    file.write_text(json.dumps(runs))
    stale = ["docs/performance.md", *(f"docs/plots/networks_serving-{name}.svg" for name in ("another", "pytorch"))]
    assert check(copy).stderr == FAILS.format(", ".join(stale))


def test_a_figure_that_is_edited_by_hand_is_found(copy: Path):
    page = copy / "docs/performance.md"
    page.write_text(page.read_text().replace(" x |", " y |", 1))
    assert check(copy).stderr == FAILS.format("docs/performance.md")
