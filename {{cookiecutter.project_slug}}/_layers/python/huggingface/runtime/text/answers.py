"""The answers of a classifier of texts, in the form that Hugging Face's container gives them."""

from typing import Any

import numpy as np
import orjson
import torch

from runtime.data.content import JSON
from runtime.serving.defaults import default_output_fn
from runtime.text.classifier import Classifier
from runtime.text.requests import Request

# Texts that go through the network in one pass; with more the memory of a large request would have no end.
AT_ONCE = 256
FUNCTIONS = {"softmax": lambda logits: logits.softmax(dim=1), "sigmoid": torch.sigmoid, "none": lambda logits: logits}

Answer = dict[str, str | float]


def classify(classifier: Classifier, request: Request) -> list[Answer] | list[list[Answer]]:
    """Return the labels of each text with their scores, the highest first, as the pipeline "text-classification" does.

    That is for each text {"label": …, "score": …}, or with the parameter `top_k` a list of them; and for a text that
    came alone, not in a list, such a list.
    """
    # Texts of a length go together, since all of a pass are padded to its longest.
    places = np.argsort([len(text) for text in request.texts], kind="stable")
    parts = [places[start : start + AT_ONCE] for start in range(0, len(places), AT_ONCE)]
    with torch.inference_mode():
        logits = torch.cat([classifier([request.texts[place] for place in part]) for part in parts])
        scores = FUNCTIONS[request.parameters.get("function_to_apply") or usual(classifier)](logits).numpy()
    scores = scores[np.argsort(places)]
    wanted = request.parameters.get("top_k", 1)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :wanted]
    labels, best = classifier.labels, np.take_along_axis(scores, order, axis=1).tolist()
    answers = [
        [{"label": labels[number], "score": score} for number, score in zip(numbers, row, strict=True)]
        for numbers, row in zip(order.tolist(), best, strict=True)
    ]
    if "top_k" not in request.parameters:
        return [answer for (answer,) in answers]
    return answers[0] if request.alone else answers


def usual(classifier: Classifier) -> str:
    """Return what makes scores of the logits where the request does not say it.

    The scores of one label alone, or of several labels at a time, need not add up to 1.
    """
    config = classifier.network.config
    several = config.num_labels == 1 or config.problem_type == "multi_label_classification"
    return "sigmoid" if several else "softmax"


def output_fn(predictions: Any, accept: str) -> bytes:
    """Write answers: JSON is the list itself; the other media types are the usual ones, with a line for each of it."""
    return orjson.dumps(predictions) if accept == JSON else default_output_fn(predictions, accept)
