"""How a model is kept: a Keras model in its .keras file, which is read without running code that is in it."""

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from runtime.errors import UserError

FILE = "model.keras"


def save(model: keras.Model, folder: Path) -> None:
    """Write the model that `train` returned. Raises UserError for anything but a Keras model."""
    if not isinstance(model, keras.Model):
        raise UserError("train() must return a Keras model; for any other model define model_fn too")
    model.save(folder / FILE)


def load(folder: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Read the model and compile it: a function of a float32 tensor (rows, features), as fast for one row as for many.

    Raises FileNotFoundError, or ValueError for a file that is not a model's or holds code.
    """
    path = Path(folder) / FILE
    if not path.exists():
        raise FileNotFoundError(f"there is no {FILE}")
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    return tf.function(model, input_signature=[tf.TensorSpec(model.input_shape, tf.float32)]).get_concrete_function()
