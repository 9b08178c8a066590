"""A new framework is a folder (here tests/toy) and its entries in cookiecutter.json."""

import json
import shutil
from pathlib import Path

from commands import run
from template import FACTS, LAYERS, ROOT

TOY = Path(__file__).parent / "toy"
# What is the same for every framework that computes with numpy, on one host.
AS_IN_FLASK = ("requirements.txt", "constraints.txt", "runtime/api.py", "runtime/framework.py")


def test_a_folder_and_its_entries_are_a_framework(cli, tmp_path, template_copy):
    toy = shutil.copytree(TOY, template_copy / LAYERS.relative_to(ROOT) / "python/toy")
    for name in AS_IN_FLASK:
        shutil.copy(LAYERS / "python/flask" / name, toy / name)
    file = template_copy / "cookiecutter.json"
    context = json.loads(file.read_text())
    context["framework"].append("toy")
    context["__prompts__"]["framework"]["toy"] = "Python: the mean"
    context["_frameworks"]["toy"] = FACTS["flask"]
    file.write_text(json.dumps(context))

    result = cli("framework=toy", template=template_copy)
    assert result.returncode == 0, result.stderr
    project = tmp_path / "out/my-algorithm"
    assert "It predicts the mean." in (project / "README.md").read_text()
    run("make", "local-test", "ENGINE=process", cwd=project)
