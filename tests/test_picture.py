"""The README's picture of a run shows checks that there are; `make picture` draws it from a new run."""

import ast
import re
import xml.etree.ElementTree as ET

from template import LAYERS, ROOT

SVG_TEXT = "{http://www.w3.org/2000/svg}text"
CHECK = re.compile(r"(?:[A-Z]{1,2}\d+ +)+(.+?)(?: \([\d.]+ s\))?")  # clauses, the sentence, how long it took


def sentences() -> set[str]:
    """Return what the checks of local_test are called."""
    nodes = [node for file in LAYERS.glob("_shared/local_test/test_*.py") for node in ast.parse(file.read_text()).body]
    tests = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return {(ast.get_docstring(test) or "").partition("\n")[0].rstrip(".") for test in tests}


def test_the_picture_shows_checks_that_there_are():
    texts = [element.text.replace("\xa0", " ") for element in ET.parse(ROOT / "docs/local-test.svg").iter(SVG_TEXT)]
    shown = {found[1] for text in texts if (found := CHECK.fullmatch(text))}
    assert len(shown) > 10
    assert shown - sentences() == set()
    assert any(re.fullmatch(r"\d+ passed, nothing failed, .+", text) for text in texts)
