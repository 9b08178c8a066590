"""The API's answers: errors, and descriptions cut to what AWS's service model shows."""

from typing import Any

from botocore.model import Shape

from cloud.service_model import problems


class Refusal(Exception):
    """An error that the API answers with: its code, its message, its HTTP status, and more fields of its body."""

    def __init__(self, code: str, message: str, status: int = 400, **more: Any):
        super().__init__(message)
        self.code, self.message, self.status, self.more = code, message, status, more


def invalid(message: str) -> Refusal:
    """Return AWS's usual refusal."""
    return Refusal("ValidationException", message)


def check(operation: str, request: dict) -> None:
    """Raise Refusal unless a request keeps to AWS's limits."""
    if found := problems(operation, request):
        errors = "1 validation error" if len(found) == 1 else f"{len(found)} validation errors"
        raise invalid(f"{errors} detected: {'; '.join(found)}")


def shown(shape: Shape, value: Any) -> Any:
    """Return the part of a value that a shape of the model has, which is what an operation answers with."""
    if shape.type_name == "structure":
        return {name: shown(shape.members[name], item) for name, item in value.items() if name in shape.members}
    if shape.type_name == "list":
        return [shown(shape.member, item) for item in value]
    return value
