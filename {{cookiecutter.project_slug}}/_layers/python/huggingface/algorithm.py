"""Your algorithm. THIS IS THE FILE YOU EDIT: hyperparameters, network, train and predict.

The example tells what customers of a shop write about. It goes on from the model in the channel `model`, or without
one from a small network of its own. Replace it with your own; `make local-test` then shows whether SageMaker will take
it.
"""

from runtime import text

FEATURES = {"inputs": str}  # what requests have: one text a row
input_fn, output_fn = text.input_fn, text.output_fn


class Hyperparameters(text.Hyperparameters):
    """What a job can set: what `runtime.text` needs, and what you add."""


def train(channels, hyperparameters, job):
    """Fit a network to the `train` channel until it no longer gets better on `validation`: CSV, `text` and `label`."""
    data, validation = (text.read(channels[name], text="text", label="label") for name in ("train", "validation"))
    classifier = text.base_classifier(channels, data, hyperparameters)
    return text.fine_tune(classifier, data, validation, hyperparameters, job)


def predict(model, request):
    """Answer a request's texts as the Hugging Face container does, each with its best label and that one's score."""
    return text.classify(model, request)
