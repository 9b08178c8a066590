"""How a model is kept: a Keras model in its .keras file, which is read without running code that is in it.

Columns that are returned with it are kept beside it.
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
    """Write what `train` returned. Raises UserError for anything but a Keras model, or one and its Columns."""
    network, columns = separated(model)
    if not isinstance(network, keras.Model):
        raise UserError(
            "train() must return a Keras model, or one and its Columns; for any other model define save_fn and model_fn"
        )
    network.save(Path(folder) / FILE)
    if columns:
        columns.save(folder)


def load(folder: str) -> Any:
    """Read the model and compile it, see `compiled`: alone, or where its Columns were saved, too, in a pair with them.

    Raises FileNotFoundError, or ValueError for a file that is not a model's or holds code.
    """
    path = Path(folder) / FILE
    if not path.exists():
        raise FileNotFoundError(f"there is no {FILE}")
    return with_columns(compiled(keras.saving.load_model(path, compile=False, safe_mode=True)), folder)


def compiled(model: keras.Model) -> Callable[[Any], Any]:
    """Return a function of what the model takes, as fast for one row as for many.

    That is a tensor of shape (rows, ...), or where the model has several inputs a dict of them by name. A subclass of
    keras.Model does not say what it takes, and is compiled at its first call.
    """
    if not getattr(model, "inputs", None):
        return tf.function(model)
    inputs = {one.name: tf.TensorSpec(one.shape, one.dtype, one.name) for one in model.inputs}
    takes = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    return tf.function(model, input_signature=[takes]).get_concrete_function()
