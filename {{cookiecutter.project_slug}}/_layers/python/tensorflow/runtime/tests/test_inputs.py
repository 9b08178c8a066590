"""A Keras model is served with the inputs that it has: one or several, of any dtype."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from runtime import adapter
from runtime.data.columns import Category, Columns, Number
from runtime.distributed import distribution
from runtime.errors import UserError
from runtime.testing import features


def test_a_model_with_several_inputs_of_several_dtypes_answers_as_it_did(tmp_path):
    age = keras.Input((1,), name="age")
    words = keras.Input((3,), name="words", dtype="int32")
    mean = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(10, 2)(words))
    model = keras.Model([age, words], keras.layers.Dense(1)(keras.layers.Concatenate()([age, mean])))
    given = {"age": tf.constant([[31.0], [4.0]]), "words": tf.constant([[1, 2, 3], [4, 5, 6]])}
    expected = model(given).numpy()
    adapter.save(model, str(tmp_path))
    served = adapter.load(str(tmp_path))
    np.testing.assert_allclose(served(given).numpy(), expected, rtol=1e-6)


def test_a_model_of_images_answers_as_it_did(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten()])
    images = tf.constant(np.arange(32.0).reshape(2, 4, 4, 1), tf.float32)
    adapter.save(model, str(tmp_path))
    np.testing.assert_allclose(adapter.load(str(tmp_path))(images).numpy(), model(images).numpy(), rtol=1e-6)


@keras.saving.register_keras_serializable()
class Doubled(keras.Model):
    """A subclass of keras.Model, which does not say what it takes."""

    def call(self, inputs):
        """Twice the inputs."""
        return inputs * 2


def test_a_subclass_answers_what_it_is_asked(tmp_path):
    model = Doubled()
    model(tf.ones((1, 2)))
    adapter.save(model, str(tmp_path))
    assert adapter.load(str(tmp_path))(tf.constant([[1.0, 2.0]])).numpy().tolist() == [[2.0, 4.0]]


def test_a_model_and_its_columns_are_kept_as_a_pair(tmp_path):
    columns = Columns([Number("age", 30.0, 10.0, gaps=True), Category("port", ["Q", "S"])])
    model = keras.Sequential([keras.Input((columns.width,)), keras.layers.Dense(1)])
    rows = features(b"40,S\n,C\n", declared={"age": float, "port": str})
    adapter.save((model, columns), str(tmp_path))
    served, its_columns = adapter.load(str(tmp_path))
    expected = model(tf.constant([[1.0, 0, 0, 1], [0, 1, 0, 0]])).numpy()
    np.testing.assert_allclose(served(tf.constant(its_columns.matrix(rows))).numpy(), expected, rtol=1e-6)
    assert distribution.digest((model, columns)) == distribution.digest(model)


def test_a_pair_with_anything_else_is_refused(tmp_path):
    with pytest.raises(UserError, match="return a Keras model, or a pair of it and its Columns"):
        adapter.save((Doubled(), ["age"]), str(tmp_path))
