"""A new framework is a folder and its entries in cookiecutter.json, as docs/add-a-framework.md makes one."""

import json
import re
from typing import Any

from commands import run
from template import ROOT

PAGE = ROOT / "docs/add-a-framework.md"


def commands(section: str) -> str:
    """Return the commands of a section of the page, which a shell runs."""
    (text,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return "\n".join(line.strip() for line in text.splitlines() if line.startswith("    "))


def added(there: Any, entries: Any) -> Any:
    """Return what stands in a file of JSON once the entries are added to its objects and lists."""
    if isinstance(entries, dict):
        there = there or {}
        return there | {name: added(there.get(name), entry) for name, entry in entries.items()}
    return there + entries if isinstance(entries, list) and there else entries


def test_the_page_makes_a_framework(cli, tmp_path, template_copy):
    run("bash", "-ec", commands("1. The folder"), cwd=template_copy)
    (entries,) = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    file = template_copy / "cookiecutter.json"
    file.write_text(json.dumps(added(json.loads(file.read_text()), json.loads(entries))))

    result = cli("framework=toy", template=template_copy)
    assert result.returncode == 0, result.stderr
    project = tmp_path / "out/my-algorithm"
    assert "It predicts the mean." in (project / "README.md").read_text()
    run("make", "local-test", "ENGINE=process", cwd=project)
