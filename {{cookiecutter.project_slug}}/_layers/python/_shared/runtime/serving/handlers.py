"""The four steps of an answer: model_fn, input_fn, predict_fn, output_fn.

The names and arguments are the SageMaker inference toolkit's. What algorithm.py defines is used; the rest has
the defaults below, so that a `predict` is enough.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from runtime.data import content


@dataclass(frozen=True)
class Handlers:
    """How a request is answered.

    model_fn(model_dir: str) -> model
    input_fn(body: bytes, content_type: str) -> features
    predict_fn(features, model) -> predictions
    output_fn(predictions, accept: str) -> bytes or str, or a pair of that and its content type
    """

    model_fn: Callable[[str], Any]
    input_fn: Callable[[bytes, str], Any]
    predict_fn: Callable[[Any, Any], Any]
    output_fn: Callable[[Any, str], Any]
    own_input: bool
    own_output: bool


def resolve(algorithm: ModuleType, adapter: ModuleType, *, batch: bool) -> Handlers:
    """Take each step from algorithm.py where it is defined, else its default."""
    features = getattr(algorithm, "FEATURES", None)

    def input_fn(body: bytes, content_type: str) -> Any:
        media_type, _, charset = content_type.partition("; charset=")
        return content.decode(body, media_type, charset or "utf-8", features, batch=batch)

    def predict_fn(data: Any, model: Any) -> Any:
        return algorithm.predict(model, data)

    def output_fn(predictions: Any, accept: str) -> bytes:
        return content.encode(predictions, accept, batch=batch)

    return Handlers(
        model_fn=getattr(algorithm, "model_fn", adapter.load),
        input_fn=getattr(algorithm, "input_fn", input_fn),
        predict_fn=getattr(algorithm, "predict_fn", predict_fn),
        output_fn=getattr(algorithm, "output_fn", output_fn),
        own_input=hasattr(algorithm, "input_fn"),
        own_output=hasattr(algorithm, "output_fn"),
    )
