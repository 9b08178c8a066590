"""The examples of a project run unchanged against `make local-sagemaker`, as their first lines say."""

import os
import re
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
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
def test_the_examples_run_unchanged(project: Path, tmp_path: Path):
    """All at the same time, for most of theirs goes by in waiting."""
    run("make", "environment", "local_test/sagemaker/.venv/ready", cwd=project)
    request = tomllib.loads((project / "sample/sample.toml").read_text())["requests"][0]
    with ThreadPoolExecutor() as pool:
        started = {name: pool.submit(run_example, project, name, tmp_path / name) for name in EXAMPLES}
    for name, ended in started.items():
        result = ended.result()
        assert result.returncode == 0, f"{name}\n{result.stdout}{result.stderr}"
        said = dict(re.findall(r"^\W*(model|answer|transformed|best): (.*)$", result.stdout, re.MULTILINE))
        assert re.fullmatch(r"s3://\S+/output/model\.tar\.gz ?", said["model"]), name
        expect_answer(request, said["answer"])
        expect_answer(request, said["transformed"])
        assert "resamples" in said["best"], name


def run_example(project: Path, example: str, folder: Path) -> subprocess.CompletedProcess:
    """Run an example by the command that it names in its first lines."""
    program, environment = EXAMPLES[example]
    assert f'ARGS="-- {program} examples/{example}"' in (project / "examples" / example).read_text()
    python = interpreter(environment)
    folder.mkdir()
    variables = surroundings(folder) | {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "RETICULATE_PYTHON": str(python),
    }
    return subprocess.run(
        ["make", "local-sagemaker", "ENGINE=process", f"ARGS=-- {program} examples/{example}"],
        cwd=project,
        env=variables,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
