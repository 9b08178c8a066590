"""`describe`: what algorithm.py and sample.toml declare, in SageMaker's words."""

import json
import subprocess
import sys
from pathlib import Path

SAMPLE = """
[training]
channels = { train = "text/csv", labels = "application/json" }
metrics = [{ Name = "train:rmse", Regex = "train:rmse=(\\\\S+)" }]

[[requests]]
content_type = "image/png"
accept = "application/json"
body = "x"
"""
ALGORITHM = """
from typing import Literal

from pydantic import BaseModel, Field

print("a word on import")

class Hyperparameters(BaseModel):
    trees: int = Field(100, ge=1, description="how many aren't 'few'")
    rate: float = Field(0.1, gt=0, le=1)
    loss: Literal["squared", "absolute"] = "squared"
    fast: bool = True
    depth: int | None = Field(None, lt=10)
    layers: list[int] = [8, 8]
    name: str
"""


def describe(folder: Path, sample: str = SAMPLE) -> subprocess.CompletedProcess:
    """Run `describe` of a project."""
    (folder / "sample").mkdir()
    (folder / "sample/sample.toml").write_text(sample)
    return subprocess.run(
        [sys.executable, folder / "runtime/describe"], capture_output=True, text=True, check=False, timeout=60
    )


def test_hyperparameters_have_their_types_ranges_and_help(project):
    result = describe(project(ALGORITHM))
    assert result.returncode == 0, result.stderr
    declared = json.loads(result.stdout)
    found = {one.pop("Name"): one for one in declared["SupportedHyperParameters"]}
    ranges = {name: next(iter(one["Range"].items())) for name, one in found.items() if "Range" in one}
    assert ranges == {
        "trees": ("IntegerParameterRangeSpecification", {"MinValue": "1", "MaxValue": "2147483647"}),
        "rate": ("ContinuousParameterRangeSpecification", {"MinValue": "0", "MaxValue": "1"}),
        "loss": ("CategoricalParameterRangeSpecification", {"Values": ["squared", "absolute"]}),
        "fast": ("CategoricalParameterRangeSpecification", {"Values": ["true", "false"]}),
        "depth": ("IntegerParameterRangeSpecification", {"MinValue": "-2147483647", "MaxValue": "9"}),
    }
    assert found["trees"]["Description"] == "how many aren't 'few'"
    assert found["layers"] == {
        "Description": "",
        "Type": "FreeText",
        "IsTunable": False,
        "IsRequired": False,
        "DefaultValue": "[8, 8]",
    }
    assert [name for name, one in found.items() if one["IsRequired"]] == ["name"]
    assert [one.get("DefaultValue") for one in found.values()] == [
        "100", "0.1", "squared", "true", None, "[8, 8]", None
    ]  # fmt: skip


def test_channels_metrics_and_content_types_are_those_of_the_sample_and_the_runtime(project):
    declared = json.loads(describe(project(ALGORITHM)).stdout)
    assert {one["Name"]: one["SupportedContentTypes"] for one in declared["TrainingChannels"]} == {
        "train": ["text/csv"],
        "labels": ["application/json"],
    }
    assert declared["MetricDefinitions"] == [{"Name": "train:rmse", "Regex": "train:rmse=(\\S+)"}]
    assert "application/x-npy" in declared["SupportedContentTypes"]
    assert declared["SupportedResponseMIMETypes"][:2] == ["text/csv", "application/json"]


def test_an_algorithm_that_reads_requests_itself_takes_what_the_sample_sends(project):
    own = (
        "\ndef input_fn(body, content_type):\n    return body\n\ndef output_fn(predictions, accept):\n    return b''\n"
    )
    declared = json.loads(describe(project(ALGORITHM + own)).stdout)
    assert declared["SupportedContentTypes"] == ["image/png"]
    assert declared["SupportedResponseMIMETypes"] == ["application/json"]


def test_without_a_declaration_a_line_says_so(project):
    result = describe(project("def predict(model, features):\n    return features\n"))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "cannot describe: algorithm.py declares no Hyperparameters\n"


def test_a_sample_that_cannot_be_read_is_said_in_a_line(project):
    result = describe(project(ALGORITHM), "[training")
    assert (result.returncode, result.stdout) == (1, "")
    assert "cannot describe: sample/sample.toml, which declares channels and metrics, cannot" in result.stderr
