"""AWS's own description of SageMaker's API, botocore's service model: what a request may hold, what an answer shows."""

import re
from collections.abc import Iterator

import botocore.session
from botocore.model import Shape

MODEL = botocore.session.Session().get_service_model("sagemaker")
# What the patterns of the model say in Java's way, and Python almost so: letters, numbers, separators.
JAVA = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s"}
TYPES = {"structure": dict, "map": dict, "list": list, "string": str, "boolean": bool, "integer": int, "long": int}


class Refusal(Exception):
    """An error that the API answers with: its code, its sentence, its HTTP status, and what else stands in its body."""

    def __init__(self, code: str, message: str, status: int = 400, **more):
        super().__init__(message)
        self.code, self.message, self.status, self.more = code, message, status, more


def invalid(message: str) -> Refusal:
    """Return AWS's usual refusal."""
    return Refusal("ValidationException", message)


def check(operation: str, request: dict) -> None:
    """Raise Refusal unless a request keeps to AWS's limits: what is required, enumerations, patterns, sizes."""
    shape = MODEL.operation_model(operation).input_shape
    if problems := list(_problems(shape, request, "")):
        errors = "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
        raise invalid(f"{errors} detected: {'; '.join(problems)}")


def shown(shape: Shape, value):
    """Return what of a value a shape of the model has: a description's part that an operation answers with."""
    if shape.type_name == "structure":
        return {name: shown(shape.members[name], item) for name, item in value.items() if name in shape.members}
    if shape.type_name == "list":
        return [shown(shape.member, item) for item in value]
    return value


def pattern_of(shape: Shape) -> str | None:
    """Return the pattern that a text must match, in Python's words; None if there is none."""
    pattern = shape.metadata.get("pattern")
    for java, python in JAVA.items():
        pattern = pattern and pattern.replace(java, python)
    return pattern


def _problems(shape: Shape, value, where: str) -> Iterator[str]:
    kind = shape.type_name
    if not isinstance(value, TYPES.get(kind, object)):
        raise Refusal("SerializationException", f"'{where}' is no {kind}")
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                yield f"Value null at '{_inside(where, name)}' failed to satisfy constraint: Member must not be null"
        for name in value.keys() & shape.members.keys():
            yield from _problems(shape.members[name], value[name], _inside(where, name))
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


def _unsatisfied(value, where: str, constraint: str) -> str:
    return f"Value '{value}' at '{where}' failed to satisfy constraint: Member must satisfy {constraint}"


def _beyond(shape: Shape, size: float, value, where: str, what: str) -> Iterator[str]:
    for limit, beyond, words in (("min", float.__lt__, "greater"), ("max", float.__gt__, "less")):
        if (bound := shape.metadata.get(limit)) is not None and beyond(float(size), float(bound)):
            yield (
                f"Value '{value}' at '{where}' failed to satisfy constraint: "
                f"Member must have {what} {words} than or equal to {bound}"
            )
