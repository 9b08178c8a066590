"""What algorithm.py may import for texts, besides runtime.api. All else in this folder is private."""

from runtime.text.answers import classify, output_fn
from runtime.text.base import base_classifier
from runtime.text.classifier import Classifier, pretrained, untrained
from runtime.text.fine_tuning import Hyperparameters, fine_tune
from runtime.text.requests import Request, input_fn
from runtime.text.texts import Texts, read

__all__ = [
    "Classifier",
    "Hyperparameters",
    "Request",
    "Texts",
    "base_classifier",
    "classify",
    "fine_tune",
    "input_fn",
    "output_fn",
    "pretrained",
    "read",
    "untrained",
]
