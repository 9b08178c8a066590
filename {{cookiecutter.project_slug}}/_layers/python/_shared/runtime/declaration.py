"""`describe`: what the algorithm declares, as JSON, in the words of SageMaker's CreateAlgorithm and CreateModelPackage.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterSpecification.html
"""

import json
import sys
import tomllib
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

from runtime import libraries
from runtime.errors import UserError
from runtime.loading import load_algorithm

SAMPLE = Path(__file__).resolve().parent.parent / "sample/sample.toml"
# A range of the API includes both of its limits; these stand for no limit.
LARGEST = {"integer": 2**31 - 1, "number": sys.float_info.max}


def main() -> int:
    """Print the declaration; the result is the exit status, 1 where there is none."""
    try:
        with libraries.explained(), redirect_stdout(sys.stderr):  # what algorithm.py prints when it is imported
            text = json.dumps(declaration(load_algorithm(), read_sample(SAMPLE)))
    except UserError as error:
        print(f"cannot describe: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0


def read_sample(file: Path) -> dict[str, Any]:
    """Return the content of sample.toml, which declares channels and metrics. Raises UserError if it cannot be read."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"sample/sample.toml, which declares channels and metrics, cannot be read: {error}") from None


def declaration(algorithm: ModuleType, sample: dict[str, Any]) -> dict[str, Any]:
    """Return what algorithm.py and sample.toml declare.

    SupportedHyperParameters, TrainingChannels, MetricDefinitions as in CreateAlgorithm; SupportedContentTypes and
    SupportedResponseMIMETypes as in CreateModelPackage: what algorithm.py declares, else the runtime's, or where the
    algorithm has an input_fn or an output_fn of its own, those of the sample's requests. Raises UserError where no
    hyperparameters are declared, or the media types are not valid.
    """
    from runtime.data.content import MEDIA_TYPES
    from runtime.serving import handlers

    if not hasattr(algorithm, "Hyperparameters"):
        raise UserError("algorithm.py declares no Hyperparameters")
    schema = algorithm.Hyperparameters.model_json_schema()
    training, requests = sample.get("training", {}), sample.get("requests", [])
    taken = handlers.declared_types(algorithm, handlers.CONTENT_TYPES, "input_fn")
    given = handlers.declared_types(algorithm, handlers.RESPONSE_TYPES, "output_fn")
    return {
        "SupportedHyperParameters": [
            hyperparameter(name, one, schema) for name, one in schema.get("properties", {}).items()
        ],
        "TrainingChannels": [
            {"Name": name, "SupportedContentTypes": [content_type], "SupportedInputModes": ["File", "FastFile"]}
            for name, content_type in sorted(training.get("channels", {}).items())
        ],
        "MetricDefinitions": training.get("metrics", []),
        "SupportedContentTypes": unique(one["content_type"] for one in requests) if taken is None else list(taken),
        "SupportedResponseMIMETypes": unique(one["accept"] for one in requests if "accept" in one)
        if given is None
        else unique(MEDIA_TYPES.get(one, one) for one in given),
    }


def unique(values: Iterable[str]) -> list[str]:
    """Return the values without repetitions, in their order."""
    return list(dict.fromkeys(values))


def hyperparameter(name: str, field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the HyperParameterSpecification of a field of the declaration's JSON schema."""
    kind, limits = kind_and_range(resolved(field, schema.get("$defs", {})))
    found = {
        "Name": name,
        "Description": field.get("description", ""),
        "Type": kind,
        "IsTunable": bool(limits),
        "IsRequired": name in schema.get("required", ()),
    }
    if limits:
        found["Range"] = {f"{kind}ParameterRangeSpecification": limits}
    if field.get("default") is not None:
        found["DefaultValue"] = text_of(field["default"])
    return found


def resolved(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema without references, and of an optional one that of its value."""
    choices = [one for one in field.get("anyOf", []) if one.get("type") != "null"]
    if len(choices) == 1:
        field = field | choices[0]
    return definitions[field["$ref"].rpartition("/")[2]] if "$ref" in field else field


def kind_and_range(schema: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the Type of a hyperparameter, and its range of values; none for what is free text."""
    kind = schema.get("type")
    if "enum" in schema or "const" in schema or kind == "boolean":
        values = schema.get("enum", [schema["const"]] if "const" in schema else [True, False])
        return "Categorical", {"Values": [text_of(value) for value in values]}
    if kind not in LARGEST:
        return "FreeText", {}
    step = 1 if kind == "integer" else 0
    lowest = schema.get("minimum", schema.get("exclusiveMinimum", -LARGEST[kind] - step) + step)
    highest = schema.get("maximum", schema.get("exclusiveMaximum", LARGEST[kind] + step) - step)
    limits = {"MinValue": text_of(lowest), "MaxValue": text_of(highest)}
    return ("Integer" if kind == "integer" else "Continuous"), limits


def text_of(value: Any) -> str:
    """Return a value as SageMaker passes it on: JSON, but texts as they are (T13)."""
    return value if isinstance(value, str) else json.dumps(value)
