"""The Hugging Face example for the peers: the folder that save_pretrained wrote, in transformers' own pipeline."""

import os
from pathlib import Path

from transformers import pipeline


def load():
    """Return the model that our side has trained."""
    folder = Path(os.environ["MODEL_FOLDER"]) / "model"
    return pipeline("text-classification", model=str(folder), truncation=True)


def predict(model, data):
    """Label each row of a data frame of one column, the texts."""
    return model(data[0].tolist())
