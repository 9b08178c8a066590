"""Hyperparameters: from SageMaker's strings to the types that the algorithm declares (contract T12, T13)."""

import difflib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from runtime.data.numbers import FORM
from runtime.errors import UserError

# Names that SageMaker and its SDK add to a job, which no algorithm declares (T39, T49).
RESERVED_PREFIXES = ("_", "sagemaker_")
RESERVED = {"default_user_module_name"}


def decode(text: object) -> object:
    """Undo the encodings of a hyperparameter's value.

    SDK 2 writes str() or json.dumps() of the value, SDK 3 JSON, but strings without quotes. A quoted string, a list, an
    object or null is decoded; any other text is left to the declared type, which decides whether `5` is a number or a
    name.
    """
    if not isinstance(text, str):
        return text
    if text == "None":
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | list | dict) or value is None else text


def counted(value: object) -> object:
    """Return a number of the grammar that is whole, such as `1e2`, as the integer that a declared one takes."""
    if isinstance(value, str) and FORM.fullmatch(value.strip()) and not value.strip().lstrip("+-").isdigit():
        found = float(value)
        return int(found) if found.is_integer() else value
    return value


def parse(strings: Mapping[str, object], declaration: type[BaseModel]) -> BaseModel:
    """Turn the job's hyperparameters into the algorithm's `Hyperparameters`.

    Raises UserError, one line for each wrong value, for a name that is not declared or a value that does not fit.
    """
    names = {spellings(name, field)[0]: name for name, field in declaration.model_fields.items()}
    known = {one: first for first, name in names.items() for one in spellings(name, declaration.model_fields[name])}
    given: dict[str, object] = {}
    problems = []
    for name, value in strings.items():
        if reserved(name):
            continue
        if name not in known:
            problems.append(unknown(name, set(names)))
        elif known[name] in given:
            problems.append(f"hyperparameter '{known[name]}' is set twice, also as '{name}': set it once")
        else:
            given[known[name]] = value
    if problems:
        raise UserError("\n".join(problems))

    decoded = {name: decode(value) for name, value in given.items()}
    try:
        found = declaration.model_validate(decoded)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]): detail["type"] for detail in error.errors() if detail["loc"]}
        for name in wrong.keys() & given.keys():
            # A text that looks like JSON may be meant as a text: "null" can be a name.
            decoded[name] = counted(decoded[name]) if wrong[name].startswith("int_") else given[name]
        try:
            found = declaration.model_validate(decoded)
        except ValidationError as error:
            raise UserError("\n".join(sentence(detail, given) for detail in error.errors())) from None
    # pydantic accepts more numbers than the grammar does: 1_000, inf.
    wrong_numbers = [name for name, text in given.items() if not_a_number(text, getattr(found, names[name]))]
    if wrong_numbers:
        raise UserError("\n".join(f"hyperparameter '{n}' is {given[n]!r}: it is not a number" for n in wrong_numbers))
    return found


def spellings(name: str, field: FieldInfo) -> list[str]:
    """Return what a job may call a field: its alias or its name; of several (AliasChoices) the first is its own."""
    if isinstance(field.validation_alias, AliasChoices):
        return [one for one in field.validation_alias.choices if isinstance(one, str)]
    return [field.alias or name]


def not_a_number(given: object, found: object) -> bool:
    """Return whether a text was accepted as a number that the grammar does not have."""
    if not isinstance(given, str) or type(found) not in (int, float):
        return False
    text = decode(given)
    return not (isinstance(text, str) and FORM.fullmatch(text.strip()))


def reserved(name: str) -> bool:
    """Return whether the name is one that SageMaker adds itself."""
    return name.startswith(RESERVED_PREFIXES) or name in RESERVED


def unknown(name: str, known: set[str]) -> str:
    """Return the sentence for a name that is not declared."""
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"hyperparameter '{name}' is unknown: {hint}algorithm.py declares {', '.join(sorted(known)) or 'none'}"


def sentence(detail: Any, given: Mapping[str, object]) -> str:
    """Return the sentence for a value that does not fit."""
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"hyperparameter '{name}' is missing: the job must set it"
    if detail["type"] == "value_error":
        said = str(detail["ctx"]["error"])  # in the words of the declaration's own validator
    else:
        said = f"{detail['msg'][:1].lower()}{detail['msg'][1:]}"
    if not name:
        return f"the hyperparameters do not fit together: {said}"
    value = given.get(name.split(".")[0], detail.get("input"))
    return f"hyperparameter '{name}' is {value!r}: {said}"
