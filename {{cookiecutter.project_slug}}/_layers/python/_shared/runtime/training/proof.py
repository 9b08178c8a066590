"""Proves before the job ends that the model can be served: what fails here would fail an endpoint."""

import traceback
from types import ModuleType
from typing import Any

from runtime.data.content import JSON
from runtime.errors import InputError, UserError
from runtime.paths import Paths
from runtime.serving.answer import response_type
from runtime.serving.handlers import Handlers
from runtime.serving.program import load_model
from runtime.training.channels import Channels


def serve_once(algorithm: ModuleType, steps: Handlers, paths: Paths, channels: Channels) -> None:
    """Load the saved model as an endpoint does, and answer the first row of the channel `train` with it.

    The row is known where algorithm.py declares FEATURES and has no input_fn; else the model is only loaded. Raises
    UserError for a model that cannot be loaded, or that fails; the traceback goes to the log.
    """
    try:
        model = load_model(steps, paths)
    except UserError as error:
        raise UserError(f"training has ended, but its model cannot be served: {error}") from error
    features = first_features(algorithm, channels)
    if features is None:
        return
    try:
        predictions = steps.predict_fn(features, model)
        steps.output_fn(predictions, response_type(None, JSON, steps.response_types))
    except InputError:
        return  # which is an answer, too: status 400
    except Exception as error:
        traceback.print_exc()
        said = f"{type(error).__name__}: {error}"
        raise UserError(
            f"training has ended, but its model cannot answer the first row of channel 'train': {said}"
        ) from error


def first_features(algorithm: ModuleType, channels: Channels) -> Any:
    """Return the features of the first row of the channel `train`; None where only the algorithm knows them."""
    declared = getattr(algorithm, "FEATURES", None)
    name = next((name for name in ("train", "training") if name in channels), None)
    if not declared or hasattr(algorithm, "input_fn") or name is None:
        return None
    try:
        return next(channels[name].chunks(declared))[:1]
    except (InputError, UserError):
        return None
