"""Requests for a classifier of texts: those of the usual formats, and JSON as Hugging Face's container takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from runtime.data.content import JSON
from runtime.data.tables import decoded
from runtime.errors import InputError
from runtime.serving.defaults import default_input_fn

FUNCTIONS = ("softmax", "sigmoid", "none")


@dataclass(frozen=True)
class Request:
    """The texts of a request; whether they are one alone, not a list; and what it says besides (`checked`)."""

    texts: list[str]
    alone: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)


def input_fn(body: bytes, content_type: str, charset: str = "utf-8") -> Request:
    """Read a request of one of the usual media types, with one text a row; JSON may have `parameters` besides.

    Raises InputError for a body that cannot be read, for a text that is missing and for other parameters.
    """
    table = default_input_fn(body, content_type, charset)
    (name,) = table.dtype.names
    texts = table[name].tolist()
    if None in texts:
        raise InputError(f"row {texts.index(None) + 1} has no text")
    if content_type != JSON:
        return Request(texts)
    document = orjson.loads(decoded(body, charset, "the body"))
    if not isinstance(document, dict):
        return Request(texts, alone=isinstance(document, str))
    alone = isinstance(document.get("inputs"), str) and "instances" not in document
    return Request(texts, alone, checked(document.get("parameters") or {}))


def checked(parameters: Any) -> Mapping[str, Any]:
    """Return the parameters of a request. Raises InputError for others.

    `top_k` is how many labels are wanted, null for all; `function_to_apply` is what makes scores of the network's
    numbers; `truncation` is true, since texts that are too long are cut.
    """
    if not isinstance(parameters, dict):
        raise InputError('"parameters" is not an object: send {"top_k": 2}, for example')
    for name, value in parameters.items():
        if name == "top_k":
            good, wanted = (
                value is None or (type(value) is int and value > 0),
                "a number from 1, or null for all labels",
            )
        elif name == "function_to_apply":
            good, wanted = value in FUNCTIONS, " or ".join(FUNCTIONS)
        elif name == "truncation":
            good, wanted = value is True, "true: texts that are too long are cut"
        else:
            raise InputError(f"the parameter '{name}' is unknown: there are top_k, function_to_apply and truncation")
        if not good:
            raise InputError(f"the parameter '{name}' is {orjson.dumps(value).decode()}: send {wanted}")
    return parameters
