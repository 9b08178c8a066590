"""Writes the figures of docs/performance.md and of the README from what the suites have recorded, and draws the plots.

A page keeps its own words; what stands between `<!-- NAME: … -->` and `<!-- end -->` is written here.
Usage, in benchmarks/: python -m page [--check]. With --check nothing is written, and what differs is named.
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from common.environments import BENCHMARKS, python
from common.processes import run
from page.records import plots_folder, races, suites
from page.tables import cost, figures, headline, misses

HERE = Path(__file__).resolve().parent
ROOT = BENCHMARKS.parent
PAGES = (ROOT / "README.md", ROOT / "docs/performance.md")
REGION = re.compile(r"(<!-- (\w+): [^\n]*-->\n).*?(?=<!-- end -->)", re.DOTALL)
WRITERS = {"speed": headline, "figures": figures, "cost": cost, "missed": misses}
SVG_TEXT = "{http://www.w3.org/2000/svg}text"


def written(page: Path) -> str:
    """Return a page with the figures of the records."""
    return REGION.sub(lambda region: region[1] + WRITERS[region[2]](), page.read_text())


def stale_plots() -> list[Path]:
    """Return the plots that are missing, that show other figures than the records, or that belong to none."""
    wanted = {plots_folder() / race.plot: race for suite, runs in suites().items() for race in races(suite, runs)}
    there = set(plots_folder().glob("*.svg"))
    other = [file for file in there & set(wanted) if texts(file) != sorted(wanted[file].labels())]
    return sorted([*(there ^ set(wanted)), *other])


def texts(plot: Path) -> list[str]:
    """Return all texts of an SVG, sorted."""
    return sorted("".join(one.itertext()) for one in ET.parse(plot).iter(SVG_TEXT))


def check() -> None:
    """Exit with the names of what does not show the records."""
    stale = [page for page in PAGES if written(page) != page.read_text()] + stale_plots()
    if stale:
        names = ", ".join(file.relative_to(ROOT).as_posix() for file in stale)
        sys.exit(f"not as the results.json of the suites have it: {names}; run make -C benchmarks page")


def write() -> None:
    """Draw the plots, and write the figures into the pages."""
    run(python("page", HERE / "requirements.txt"), "-m", "page.plots")
    for page in PAGES:
        page.write_text(written(page))


def main() -> None:
    """Write or check."""
    parser = argparse.ArgumentParser(prog="python -m page", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; name what differs, and fail")
    check() if parser.parse_args().check else write()


if __name__ == "__main__":
    main()
