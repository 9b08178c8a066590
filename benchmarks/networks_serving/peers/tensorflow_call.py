"""The TensorFlow example for the peers, asked as those do who know that model.predict is slow for single rows."""

from tensorflow_model import load  # noqa: F401


def predict(model, data):
    """Predict one number for each row of a data frame."""
    return model(data.values, training=False).numpy()
