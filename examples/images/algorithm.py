"""What an image shows: a small neural network over the pixels of grey images of 28 x 28."""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, Field
from sklearn.neural_network import MLPClassifier

from runtime.api import InputError, UserError, default_input_fn

SIDE = 28  # pixels

# Requests are PNG or JPEG files, one image each; or arrays of such images, which the default input_fn reads.
SUPPORTED_CONTENT_TYPES = ["image/png", "image/jpeg", "application/json", "application/x-npy"]
INPUT_SHAPE = (SIDE, SIDE)


class Hyperparameters(BaseModel):
    """What a job can set."""

    hidden: int = Field(32, ge=1, description="width of the hidden layer")
    epochs: int = Field(200, ge=1, description="passes over the images")


def train(channels, hyperparameters, job):
    """Fit the network to the `train` channel: a folder of images for each class, which has its name."""
    files = [file for file in channels["train"].files if file.suffix in (".png", ".jpg", ".jpeg")]
    if not files:
        raise UserError("channel 'train' has no images: it needs a folder of .png or .jpg files for each class")
    images = np.stack([pixels(file.read_bytes()) for file in files])
    classes = [file.parent.name for file in files]
    network = MLPClassifier((hyperparameters.hidden,), max_iter=hyperparameters.epochs, random_state=0)
    network.fit(images.reshape(len(images), -1), classes)
    job.report({"train:loss": network.loss_})
    return network


def input_fn(body, content_type, charset):
    """Read an image, or arrays of images, whose pixels are 0 to 255: an array of shape (rows, 28, 28), 0 to 1."""
    if content_type.startswith("image/"):
        return pixels(body)[None]
    return default_input_fn(body, content_type, charset) / 255


def predict(model, images):
    """Predict the class of each image, and how sure that is."""
    probabilities = model.predict_proba(images.reshape(len(images), -1))
    best = probabilities.argmax(axis=1)
    return [
        {"class": model.classes_[index], "probability": row[index]}
        for index, row in zip(best, probabilities, strict=True)
    ]


def pixels(content):
    """Return the pixels of an image file as an array of shape (28, 28), 0 to 1. Raises InputError for what is none."""
    try:
        image = Image.open(io.BytesIO(content)).convert("L").resize((SIDE, SIDE))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise InputError(f"the image cannot be read: {error}") from error
    return np.asarray(image, np.float64) / 255
