"""Prints what took how long: a line for each preparation and for each lane of the tests, and the time by the clock.

Usage: lanes.py PREPARATIONS JUNIT TOTAL: a file with lines "name: seconds", pytest's junit file, seconds by the clock.
Each test of the junit file has its lane as a property (tests/conftest.py).
"""

import json
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

FRAMEWORKS = json.loads(Path(__file__).parents[1].joinpath("cookiecutter.json").read_text())["framework"]
LANES = {framework: framework for framework in FRAMEWORKS} | {"reference": "reference container", "none": "the rest"}


def seconds_of_tests(junit: Path) -> dict[str, list[float]]:
    """Return the seconds of each test, by lane."""
    lanes = defaultdict(list)
    for case in ET.parse(junit).iter("testcase"):
        found = case.find("properties/property[@name='lane']")
        lane = "none" if found is None else found.get("value")  # a module that cannot be imported has none
        lanes[lane].append(float(case.get("time")))
    return lanes


def main(preparations: Path, junit: Path, total: float) -> None:
    """Print the table."""
    print(f"{'lane':<26}{'tests':>7}{'seconds':>9}")
    for line in preparations.read_text().splitlines():
        name, seconds = line.split(": ")
        print(f"{name:<26}{'':>7}{float(seconds):>9.0f}")
    if junit.exists():  # not if pytest could not even start
        tests = seconds_of_tests(junit)
        for lane, name in LANES.items():
            print(f"{name:<26}{len(tests[lane]):>7}{sum(tests[lane]):>9.0f}")
    print(f"{'by the clock':<26}{'':>7}{total:>9.0f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
