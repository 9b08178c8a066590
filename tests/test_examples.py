"""The examples of a project run unchanged against `make local-sagemaker`, as their first lines say."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from commands import run
from local_sagemaker import expect_answer
from sdk.environments import interpreter
from template import ONE_EACH
from test_sdk import surroundings

TIMEOUT = 400  # seconds
# The command of an example, and the environment whose Python it finds.
EXAMPLES = {
    "sdk_v3.py": ("python3", "v3"),
    "sdk_v2.py": ("python3", "v2"),
    "sagemaker.R": ("Rscript", "local-sagemaker"),
}


@pytest.mark.frameworks(ONE_EACH[:1])
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs_unchanged(project: Path, example: str, tmp_path: Path):
    run("make", "environment", "local_test/sagemaker/.venv/ready", cwd=project)
    program, environment = EXAMPLES[example]
    assert f'ARGS="-- {program} examples/{example}"' in (project / "examples" / example).read_text()
    python = interpreter(environment)
    variables = surroundings(tmp_path) | {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "RETICULATE_PYTHON": str(python),
    }
    result = subprocess.run(
        ["make", "local-sagemaker", "ENGINE=process", f"ARGS=-- {program} examples/{example}"],
        cwd=project,
        env=variables,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    said = dict(re.findall(r"^\W*(model|answer|transformed|best): (.*)$", result.stdout, re.MULTILINE))
    assert re.fullmatch(r"s3://\S+/output/model\.tar\.gz ?", said["model"])
    request = tomllib.loads((project / "sample/sample.toml").read_text())["requests"][0]
    expect_answer(request, said["answer"])
    expect_answer(request, said["transformed"])
    assert "resamples" in said["best"]
