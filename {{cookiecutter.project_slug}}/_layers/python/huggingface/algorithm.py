"""Your algorithm. THIS IS THE FILE YOU EDIT: hyperparameters, network, train and predict.

The example tells what customers of a shop write about. It goes on from the model in the channel `model`, or without
one from a small network of its own. Replace it with your own; `make local-test` then shows whether SageMaker will take
it.
"""

import torch
from pydantic import Field
from transformers import DistilBertConfig

from runtime import text

FEATURES = {"inputs": str}  # what requests have: one text a row
input_fn, output_fn = text.input_fn, text.output_fn


class Hyperparameters(text.Hyperparameters):
    """What a job can set: SageMaker's strings arrive here with the types, limits and defaults below."""

    hidden: int = Field(32, ge=4, le=1024, multiple_of=4, description="width of a network that begins with nothing")
    words: int = Field(5000, ge=0, description="words that such a network knows; others it spells")


def train(channels, hyperparameters, job):
    """Fit a network to the `train` channel until it no longer gets better on `validation`: CSV, `text` and `label`."""
    torch.manual_seed(hyperparameters.seed)
    data = text.read(channels["train"], text="text", label="label")
    validation = text.read(channels["validation"], text="text", label="label")
    if "model" in channels:
        classifier = text.pretrained(channels["model"], data.all_labels(), hyperparameters.max_length)
    else:
        width, length = hyperparameters.hidden, hyperparameters.max_length
        config = DistilBertConfig(
            dim=width, hidden_dim=2 * width, n_heads=4, n_layers=1, max_position_embeddings=length
        )
        config.dropout = config.attention_dropout = config.seq_classif_dropout = 0.0  # several hosts then train as one
        classifier = text.untrained(config, data.all_words(hyperparameters.words), data.all_labels())
    return text.fine_tune(classifier, data, validation, hyperparameters, job)


def predict(model, request):
    """Answer a request's texts as the Hugging Face container does, each with its best label and that one's score."""
    return text.classify(model, request)
