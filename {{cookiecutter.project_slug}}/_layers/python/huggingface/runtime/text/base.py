"""What training begins with: the model in the channel `model`, or a small network that knows nothing yet."""

import torch
from transformers import DistilBertConfig

from runtime.text.classifier import Classifier, pretrained, untrained
from runtime.text.fine_tuning import Hyperparameters
from runtime.text.texts import Texts
from runtime.training.channels import Channels


def base_classifier(channels: Channels, data: Texts, hyperparameters: Hyperparameters) -> Classifier:
    """Return the classifier in the channel `model`; without one a DistilBERT with random weights.

    That one knows the words of `data` that are most frequent, and spells all others. Either has the labels of `data`.
    Raises UserError for a channel without a model, and where there is one label only.
    """
    torch.manual_seed(hyperparameters.seed)
    labels = data.all_labels()
    if "model" in channels:
        return pretrained(channels["model"], labels, hyperparameters.max_length)
    config = DistilBertConfig(
        dim=hyperparameters.hidden,
        hidden_dim=2 * hyperparameters.hidden,
        n_heads=4,
        n_layers=1,
        max_position_embeddings=hyperparameters.max_length,
    )
    config.dropout = config.attention_dropout = config.seq_classif_dropout = 0.0  # several hosts then train as one
    return untrained(config, data.all_words(hyperparameters.words), labels)
