"""A network of transformers and its tokenizer, which belong together: from texts to a number for each label."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from runtime.errors import UserError
from runtime.text import vocabulary
from runtime.training.channels import Channel

# Nothing is looked for on the hub, and no code in the folder is run: neither its Python files nor a pickle's.
FROM_FOLDER = {"local_files_only": True, "trust_remote_code": False}

logging.disable_progress_bar()  # each of its steps would be a line of the log


class Classifier(torch.nn.Module):
    """A network that classifies texts, and the tokenizer that reads them for it."""

    def __init__(self, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self.network, self.tokenizer = network, tokenizer

    @property
    def labels(self) -> list[str]:
        """The names of the labels, in the network's order."""
        names = self.network.config.id2label
        return [names[number] for number in range(len(names))]

    def forward(self, texts: list[str]) -> torch.Tensor:
        """Return the logits of one pass, shape (texts, labels); short texts are padded, long ones are cut."""
        tokens = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        return self.network(**tokens.to(self.network.device)).logits


def untrained(config: PreTrainedConfig, words: Sequence[str], labels: Sequence[str]) -> Classifier:
    """Return a classifier with random weights, as `config` says, that knows the `words` and spells all others.

    Its vocabulary and its labels are put into `config`; texts are as long as its positions allow.
    """
    tokenizer = vocabulary.tokenizer(words, config.max_position_embeddings)
    config.update({"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id} | named(labels))
    return Classifier(AutoModelForSequenceClassification.from_config(config), tokenizer)


def pretrained(channel: Channel, labels: Sequence[str], max_length: int) -> Classifier:
    """Return the classifier to fine-tune, from a channel that has the files of a folder as save_pretrained writes it.

    Where it was trained for more labels or for fewer, or for something else, its last layers get new weights; the log
    names them. Texts are cut to `max_length` tokens, or to fewer where the tokenizer says so.
    Raises UserError where there is no model.
    """
    try:
        classifier, renewed = _read(channel.path, labels)
    except (OSError, ValueError) as error:
        raise UserError(
            f"channel '{channel.name}' has no model to fine-tune: {error}; it takes the files of a Hugging Face model "
            "with its tokenizer, as save_pretrained writes them: config.json, model.safetensors, tokenizer.json …"
        ) from error
    if renewed:
        print(f"channel '{channel.name}': new weights for {', '.join(sorted(renewed))}", flush=True)
    classifier.tokenizer.model_max_length = min(max_length, classifier.tokenizer.model_max_length)
    return classifier


def read(folder: Path) -> Classifier:
    """Return the classifier in a folder. Raises OSError or ValueError where there is none, or a part of one."""
    classifier, missing = _read(folder)
    if missing:
        raise ValueError(f"the weights {', '.join(sorted(missing))} are missing")
    return classifier


def _read(folder: Path, labels: Sequence[str] = ()) -> tuple[Classifier, set[str]]:
    """Return the classifier in a folder, for these labels if any are given, and the names of its random weights."""
    if not (folder / "config.json").is_file():
        raise FileNotFoundError("there is no config.json")
    config = AutoConfig.from_pretrained(folder, **FROM_FOLDER)
    if labels and set(labels) != set(config.id2label.values()):
        config.update(named(labels))
    network, found = AutoModelForSequenceClassification.from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        dtype=torch.float32,
        ignore_mismatched_sizes=bool(labels),
        output_loading_info=True,
        **FROM_FOLDER,
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, **FROM_FOLDER)
    if tokenizer.pad_token is None:  # networks that write texts have none, and need one to classify several
        tokenizer.pad_token = tokenizer.eos_token
        network.config.pad_token_id = tokenizer.pad_token_id
    # Some tokenizers know no limit, but the network may have one.
    tokenizer.model_max_length = min(tokenizer.model_max_length, getattr(config, "max_position_embeddings", math.inf))
    return Classifier(network, tokenizer), {*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])}


def named(labels: Sequence[str]) -> dict[str, Any]:
    """Return what a configuration says of the labels."""
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
        "problem_type": "single_label_classification",
    }
