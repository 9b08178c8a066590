"""Prints what took how long: a line for each preparation and for each lane of the tests, and the time by the clock.

Fails if a test was skipped or a framework has none: on CI, all that there is has to be tested.

Usage: lanes.py PREPARATIONS JUNIT TOTAL: a file with lines "name: seconds", pytest's junit file, seconds by the clock.
Each test of the junit file has its lane as a property (tests/conftest.py). Lanes run side by side.
"""

import json
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

FRAMEWORKS = json.loads(Path(__file__).parents[1].joinpath("cookiecutter.json").read_text())["framework"]
LANES = {framework: framework for framework in FRAMEWORKS} | {
    "local-sagemaker": "local SageMaker",
    "reference": "reference container",
    "none": "the rest",
}


def by_lane(cases: list[ET.Element]) -> dict[str, list[ET.Element]]:
    """Return the tests of each lane."""
    lanes = defaultdict(list)
    for case in cases:
        found = case.find("properties/property[@name='lane']")
        lanes["none" if found is None else found.get("value")].append(case)  # a broken module has no lane
    return lanes


def row(name: str, tests: int | str, seconds: float) -> str:
    """Return a line of the table."""
    return f"{name:<26}{tests:>7}{seconds:>9.0f}"


def main(preparations: Path, junit: Path, total: float) -> list[str]:
    """Print the table; return what was not tested."""
    cases = list(ET.parse(junit).iter("testcase")) if junit.exists() else []  # not if pytest could not even start
    lanes = by_lane(cases)
    print(f"{'lane':<26}{'tests':>7}{'seconds':>9}")
    for line in preparations.read_text().splitlines():
        name, seconds = line.split(": ")
        print(row(name, "", float(seconds)))
    for lane, name in LANES.items():
        print(row(name, len(lanes[lane]), sum(float(case.get("time")) for case in lanes[lane])))
    print(row("by the clock", len(cases), total))

    skipped = [
        (case.get("name"), found.get("message")) for case in cases if (found := case.find("skipped")) is not None
    ]
    return [f"{name} was skipped: {why}" for name, why in skipped] + [
        f"there was no test of {framework}" for framework in FRAMEWORKS if not lanes[framework]
    ]


if __name__ == "__main__":
    if missed := main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])):
        sys.exit("\n".join(["not everything was tested:", *missed]))
