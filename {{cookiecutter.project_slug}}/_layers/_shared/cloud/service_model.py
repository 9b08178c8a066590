"""AWS's own description of its API, botocore's service model: every request is checked against its limits."""

import re
from collections.abc import Iterator
from functools import cache
from types import UnionType
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

# Java's terms, and mistakes, in the patterns of the model; and what comes closest in Python.
JAVA = {
    r"\p{L}": r"\w",
    r"\p{M}": "",  # marks of letters, which Python counts as letters
    r"\p{N}": r"\d",
    r"\p{Z}": r"\s",
    r"\p{P}": r"!-/:-@\[-`{-~",
    r"\p{S}": "$+<=>^`|~",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{Print}": "[ -~]",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
    "${1,128}": "",
    "${1,256}": "",
}
TYPES: dict[str, type | UnionType] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
}
TYPES |= {"float": int | float, "double": int | float}


@cache
def model_of(service: str) -> ServiceModel:
    """Return the model of a service, as boto3 calls it."""
    return botocore.session.Session().get_service_model(service)


MODEL = model_of("sagemaker")


def problems(operation: str, request: dict, service: str = "sagemaker") -> list[str]:
    """Return how a request breaks AWS's limits, in AWS's words: what is required, enumerations, patterns, sizes."""
    return list(_problems(model_of(service).operation_model(operation).input_shape, request, ""))


def pattern_of(shape: Shape) -> str | None:
    """Return the pattern that a text must match, in Python's words; None if there is none."""
    pattern = shape.metadata.get("pattern")
    for java, python in JAVA.items():
        pattern = pattern and pattern.replace(java, python)
    return pattern


def _problems(shape: Shape, value: Any, where: str) -> Iterator[str]:
    kind = shape.type_name
    fits = isinstance(value, TYPES.get(kind, object))
    if not fits:
        yield f"Value '{value}' at '{where}' is no {kind}"
    elif kind == "structure":
        for name in shape.required_members:
            if name not in value:
                yield f"Value null at '{_inside(where, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in shape.members.items():
            if name in value:
                yield from _problems(member, value[name], _inside(where, name))
    elif kind == "list":
        yield from _beyond(shape, len(value), value, where, "length")
        for number, item in enumerate(value, 1):
            yield from _problems(shape.member, item, f"{where}.{number}.member")
    elif kind == "map":
        yield from _beyond(shape, len(value), value, where, "length")
        for key, item in value.items():
            yield from _problems(shape.key, key, f"{where}.key")
            yield from _problems(shape.value, item, f"{where}.{key}.member")
    elif kind == "string":
        yield from _beyond(shape, len(value), value, where, "length")
        if shape.enum and value not in shape.enum:
            yield _unsatisfied(value, where, f"enum value set: [{', '.join(shape.enum)}]")
        if (pattern := pattern_of(shape)) and not re.fullmatch(pattern, value, re.DOTALL):
            yield _unsatisfied(value, where, f"regular expression pattern: {shape.metadata['pattern']}")
    elif kind in ("integer", "long", "float", "double"):
        yield from _beyond(shape, value, value, where, "value")


def _inside(where: str, name: str) -> str:
    return f"{where}.{name[0].lower()}{name[1:]}".lstrip(".")


def _unsatisfied(value: object, where: str, constraint: str) -> str:
    return f"Value '{value}' at '{where}' failed to satisfy constraint: Member must satisfy {constraint}"


def _beyond(shape: Shape, size: float, value: object, where: str, what: str) -> Iterator[str]:
    for limit, beyond, words in (("min", float.__lt__, "greater"), ("max", float.__gt__, "less")):
        if (bound := shape.metadata.get(limit)) is not None and beyond(float(size), float(bound)):
            yield (
                f"Value '{value}' at '{where}' failed to satisfy constraint: "
                f"Member must have {what} {words} than or equal to {bound}"
            )
