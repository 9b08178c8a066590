"""Keeps a model: a Keras model in a .keras file, which is read without running code that is in it.

Columns that are returned with the model are kept beside it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from runtime.data.columns import Columns, separated, with_columns
from runtime.errors import UserError

FILE = "model.keras"


def save(model: keras.Model | tuple[keras.Model, Columns], folder: str) -> None:
    """Write what `train` returned. Raises UserError for anything but a Keras model, or a pair of it and Columns."""
    network, columns = separated(model)
    if not isinstance(network, keras.Model):
        raise UserError(
            "train() must return a Keras model, or a pair of it and its Columns; for any other model define save_fn "
            "and model_fn"
        )
    network.save(Path(folder) / FILE)
    if columns:
        columns.save(folder)


def load(folder: str) -> Any:
    """Read the model and compile it (see `compiled`); return it, or a pair of it and its Columns if those were saved.

    Raises FileNotFoundError, or ValueError for a file that is not a model's or holds code.
    """
    path = Path(folder) / FILE
    if not path.exists():
        raise FileNotFoundError(f"there is no {FILE}")
    return with_columns(compiled(keras.saving.load_model(path, compile=False, safe_mode=True)), folder)


def compiled(model: keras.Model) -> Callable[[Any], Any]:
    """Return the model as a function of its inputs that is fast for one row, too.

    Its argument is a tensor of shape (rows, ...), or with several inputs a dict of tensors by name. A subclass of
    keras.Model does not declare its inputs, and is compiled at its first call.
    """
    if not getattr(model, "inputs", None):
        return tf.function(model)
    inputs = {one.name: tf.TensorSpec(one.shape, one.dtype, one.name) for one in model.inputs}
    takes = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    return tf.function(model, input_signature=[takes]).get_concrete_function()
