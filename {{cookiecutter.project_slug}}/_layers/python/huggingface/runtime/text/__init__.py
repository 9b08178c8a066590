"""What algorithm.py may import for texts, besides runtime.api."""

from runtime.text.answers import classify, output_fn
from runtime.text.classifier import Classifier, pretrained, untrained
from runtime.text.fine_tuning import Hyperparameters, fine_tune
from runtime.text.requests import Request, input_fn
from runtime.text.texts import Texts, read

__all__ = [
    "Classifier",
    "Hyperparameters",
    "Request",
    "Texts",
    "classify",
    "fine_tune",
    "input_fn",
    "output_fn",
    "pretrained",
    "read",
    "untrained",
]
