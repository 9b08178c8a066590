"""The four steps of an answer: model_fn, input_fn, predict_fn, output_fn; and save_fn, the counterpart of model_fn.

The names and arguments are the SageMaker inference toolkit's. What algorithm.py defines is used; the rest has
the defaults below, so that a `predict` is enough.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from runtime.data.content import MEDIA_TYPES
from runtime.errors import UserError
from runtime.serving.defaults import Defaults

CONTENT_TYPES, RESPONSE_TYPES = "SUPPORTED_CONTENT_TYPES", "SUPPORTED_RESPONSE_MIME_TYPES"


@dataclass(frozen=True)
class Handlers:
    """How a request is answered, and how the model is kept for that.

    save_fn(model, model_dir: str): writes what `train` returned
    model_fn(model_dir: str) -> model
    input_fn(body: bytes, content_type: str, charset: str) -> features; algorithm.py's own may leave out the charset
    predict_fn(features, model) -> predictions
    output_fn(predictions, accept: str) -> bytes or str, or a pair of that and its content type

    `content_types` and `response_types` are the media types that are accepted and returned, in lower case; None where
    algorithm.py's own function decides.
    """

    save_fn: Callable[[Any, str], None]
    model_fn: Callable[[str], Any]
    input_fn: Callable[[bytes, str, str], Any]
    predict_fn: Callable[[Any, Any], Any]
    output_fn: Callable[[Any, str], Any]
    content_types: tuple[str, ...] | None
    response_types: tuple[str, ...] | None


def resolve(algorithm: ModuleType, adapter: ModuleType, *, batch: bool) -> Handlers:
    """Take each step from algorithm.py where it is defined, else its default.

    Raises UserError for a declaration that is not valid, and for a save_fn without model_fn.
    """
    if hasattr(algorithm, "save_fn") and not hasattr(algorithm, "model_fn"):
        raise UserError("algorithm.py has a save_fn and no model_fn(model_dir), which loads what save_fn wrote")
    defaults = Defaults(algorithm, batch=batch)
    own_input, own_output = getattr(algorithm, "input_fn", None), getattr(algorithm, "output_fn", None)

    own_predict = getattr(algorithm, "predict_fn", lambda data, model: algorithm.predict(model, data))

    def predict_fn(data: Any, model: Any) -> Any:
        predictions = own_predict(data, model)
        # With one of these of its own, algorithm.py alone knows what a row is.
        return predictions if own_input or own_output else one_for_each(data, predictions)

    return Handlers(
        save_fn=getattr(algorithm, "save_fn", adapter.save),
        model_fn=getattr(algorithm, "model_fn", adapter.load),
        input_fn=with_charset(own_input) if own_input else defaults.input_fn,
        predict_fn=predict_fn,
        output_fn=own_output or defaults.output_fn,
        content_types=declared_types(algorithm, CONTENT_TYPES, "input_fn"),
        response_types=declared_types(algorithm, RESPONSE_TYPES, "output_fn"),
    )


def one_for_each(features: Any, predictions: Any) -> Any:
    """Return predictions as an array or a list.

    Raises UserError where they are not one for each row of the features; a client could not tell whose is missing.
    """
    scalar = np.ndim(predictions) == 0 if isinstance(predictions, np.ndarray) else not isinstance(predictions, Iterable)
    if scalar or isinstance(predictions, Mapping | str | bytes):
        raise UserError(f"predict returned a {type(predictions).__name__}: return a list, one prediction for each row")
    found = predictions if isinstance(predictions, np.ndarray) else list(predictions)
    if len(found) != len(features):
        raise UserError(f"predict returned {len(found)} predictions for {len(features)} rows: return one for each row")
    return found


def with_charset(input_fn: Callable[..., Any]) -> Callable[[bytes, str, str], Any]:
    """Return an input_fn that can be called with the charset, whether or not it uses one."""
    if "charset" in inspect.signature(input_fn).parameters:
        return input_fn
    return lambda body, content_type, charset: input_fn(body, content_type)


def declared_types(algorithm: ModuleType, name: str, function: str) -> tuple[str, ...] | None:
    """Return the media types of a declaration; without one the usual, or None where algorithm.py has the function.

    Raises UserError for anything but a list of media types, and for types that need such a function.
    """
    own, declared = hasattr(algorithm, function), getattr(algorithm, name, None)
    if declared is None:
        return None if own else tuple(MEDIA_TYPES)
    if isinstance(declared, str) or not all(isinstance(one, str) and "/" in one for one in declared) or not declared:
        raise UserError(f"{name} in algorithm.py must be a list of media types, for example ['image/png']")
    types = tuple(one.lower() for one in declared)
    if not own and (unknown := [one for one in types if one not in MEDIA_TYPES]):
        raise UserError(f"{name} in algorithm.py names {', '.join(unknown)}, for which it needs an {function}")
    return types
