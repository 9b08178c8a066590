"""The table at the end of .ci/run."""

import subprocess
import sys
from pathlib import Path

import pytest
from template import FRAMEWORKS, ROOT


@pytest.fixture
def lanes(tmp_path: Path):
    """Return a function that prints the table for tests, given as name and lane, of which some were skipped."""

    def lanes(tests: list[tuple[str, str]], *skipped: str) -> subprocess.CompletedProcess:
        cases = [
            f'<testcase name="{name}" time="1.6"><properties><property name="lane" value="{lane}"/></properties>'
            + ('<skipped message="no Docker"/>' if name in skipped else "")
            + "</testcase>"
            for name, lane in tests
        ]
        junit, preparations = tmp_path / "junit.xml", tmp_path / "preparations"
        junit.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
        preparations.write_text("base images: 70\n")
        command = [sys.executable, ROOT / ".ci/lanes.py", preparations, junit, "100"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return lanes


ALL = [(f"test_of_{framework}", framework) for framework in FRAMEWORKS]


def test_each_lane_has_its_tests_and_seconds(lanes):
    result = lanes([*ALL, ("test_hooks", "none"), ("test_lint", "none")])
    assert result.returncode == 0, result.stderr
    rows = [line.rsplit(None, 2) for line in result.stdout.splitlines()]
    assert ["the rest", "2", "3"] in rows
    assert [FRAMEWORKS[0], "1", "2"] in rows
    assert ["base", "images", "70"] in rows
    assert ["by the clock", str(len(ALL) + 2), "100"] in rows


def test_a_skipped_test_is_an_error(lanes):
    result = lanes(ALL, ALL[0][0])
    assert result.returncode == 1
    assert f"{ALL[0][0]} was skipped: no Docker" in result.stderr


def test_a_framework_without_tests_is_an_error(lanes):
    result = lanes(ALL[1:])
    assert result.returncode == 1
    assert f"there was no test of {ALL[0][1]}" in result.stderr
