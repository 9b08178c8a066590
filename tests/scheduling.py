"""Which tests one worker of pytest-xdist runs: those of a framework that share its project, environment and image.

pytest-xdist 3.8 has groups for that (`--dist loadgroup`), which pytest 9.2 has put out of action: xdist writes them
into an attribute that pytest no longer reads.
"""

import re

from template import FRAMEWORKS
from xdist.scheduler import LoadScopeScheduling

# The modules whose tests take the fixture `project`.
SHARING = (
    "test_examples",
    "test_grammar",
    "test_image",
    "test_local_sagemaker",
    "test_local_sagemaker_defects",
    "test_mutants",
    "test_payloads",
    "test_project",
    "test_sdk",
    "test_texts",
)
NAME = re.compile(rf"/({'|'.join(SHARING)})\.py::.*\[.*?({'|'.join(FRAMEWORKS)})\b")


class ByFramework(LoadScopeScheduling):
    """Hands out the tests of a framework together, and every other test by itself."""

    def _split_scope(self, nodeid: str) -> str:
        found = NAME.search(nodeid)
        return found[2] if found else nodeid
