"""Describe, list, search, delete and tag: the operations that are the same for every kind of resource."""

import operator
from collections.abc import Callable
from typing import Any

from cloud.service_model import MODEL

from .api import invalid, shown
from .region import Region
from .resources import KINDS, Kind

PAGE = 10  # results, where a request does not say how many it wants
COMPARE: dict[str, Callable] = {
    "Equals": operator.eq,
    "NotEquals": operator.ne,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
    "Contains": operator.contains,
    "In": lambda found, wanted: found in wanted.split(","),
}


def describe(kind: Kind, region: Region, request: dict) -> dict:
    """Describe… of any kind."""
    shape = MODEL.operation_model(f"Describe{kind.name}").output_shape
    return shown(shape, region.resources.find(kind, request[f"{kind.name}Name"]))


def delete(kind: Kind, region: Region, request: dict) -> dict:
    """Delete… of a kind that does not run."""
    region.resources.delete(kind, request[f"{kind.name}Name"])
    return {}


def list_all(kind: Kind, region: Region, request: dict) -> dict:
    """List… of any kind: by name, status and time, sorted, a page at a time."""
    shape = MODEL.operation_model(f"List{kind.name}s").output_shape
    key, summaries = next((key, member) for key, member in shape.members.items() if member.type_name == "list")
    found = [one for one in region.resources.all(kind) if wanted(kind, request, one)]
    by = request.get("SortBy", "CreationTime")
    field = f"{kind.name}{by}" if by in ("Name", "Status") else by
    found.sort(key=operator.itemgetter(field), reverse=request.get("SortOrder", kind.order) == "Descending")
    return page(request, key, shown(summaries, found))


def wanted(kind: Kind, request: dict, one: dict) -> bool:
    """Return whether the filters of a List operation admit a resource."""
    return (
        request.get("NameContains", "") in one[f"{kind.name}Name"]
        and request.get("StatusEquals") in (None, one.get(f"{kind.name}Status"))
        and all(
            request.get(f"{time}After", 0) <= one[time] <= request.get(f"{time}Before", float("inf"))
            for time in ("CreationTime", "LastModifiedTime")
        )
    )


def page(request: dict, key: str, found: list) -> dict:
    """Return the part of a list that a request asks for, and the token for the next part."""
    token, size = request.get("NextToken", "0"), request.get("MaxResults", PAGE)
    if not token.isdecimal():
        raise invalid("The NextToken is not valid.")
    start = int(token)
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {key: found[start : start + size], **more}


def search(region: Region, request: dict) -> dict:
    """Search: the resources of a kind whose values compare as wanted, sorted, a page at a time."""
    record = MODEL.shape_for("SearchRecord").members
    kind = next((kind for kind in KINDS if kind.name == request["Resource"] and kind.name in record), None)
    if kind is None:
        raise invalid(f"The SageMaker on this machine does not search {request['Resource']}.")
    found = [{**one, "Tags": tags_of(region, one[f"{kind.name}Arn"])} for one in region.resources.all(kind)]
    found = [one for one in found if matches(request.get("SearchExpression", {}), one)]
    by = request.get("SortBy", "LastModifiedTime")
    found.sort(key=lambda one: one.get(by, 0), reverse=request.get("SortOrder", "Descending") == "Descending")
    return page(request, "Results", [{kind.name: shown(record[kind.name], one)} for one in found])


def matches(expression: dict, one: dict) -> bool:
    """Return whether a description fulfils a SearchExpression, which may contain others."""
    results = [compares(filter_, one) for filter_ in expression.get("Filters", [])]
    results += [matches(inner, one) for inner in expression.get("SubExpressions", [])]
    return (any if expression.get("Operator") == "Or" and results else all)(results)


def compares(filter_: dict, one: dict) -> bool:
    """Return whether a value of a description, found by its path, compares as a Filter wants it."""
    path, how, value = filter_["Name"], filter_.get("Operator", "Equals"), filter_.get("Value", "")
    found: Any = {**one, "Tags": {tag["Key"]: tag["Value"] for tag in one["Tags"]}}
    for key in path.split(".", 1) if path.startswith("Tags.") else path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if how in ("Exists", "NotExists"):
        return (found is not None) == (how == "Exists")
    if isinstance(found, int | float):
        try:
            value = float(value)
        except ValueError:
            raise invalid(f"{path} is a number, and '{value}' is not") from None
    return found is not None and COMPARE[how](found, value)


def tags_of(region: Region, arn: str) -> list[dict]:
    """Return the tags of a resource as the API shows them."""
    return [{"Key": key, "Value": value} for key, value in region.resources.tags(arn).items()]


def add_tags(region: Region, request: dict) -> dict:
    """AddTags."""
    region.resources.tags(request["ResourceArn"]).update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
    return list_tags(region, request)


def list_tags(region: Region, request: dict) -> dict:
    """ListTags."""
    return {"Tags": tags_of(region, request["ResourceArn"])}


def delete_tags(region: Region, request: dict) -> dict:
    """DeleteTags."""
    for key in request["TagKeys"]:
        region.resources.tags(request["ResourceArn"]).pop(key, None)
    return {}
