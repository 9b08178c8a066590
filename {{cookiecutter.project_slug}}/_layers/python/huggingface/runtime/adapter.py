"""Keeps a model: a folder as save_pretrained writes it, with safetensors, whose code is not run when it is read.

transformers, which takes seconds, is imported late: an algorithm that keeps its model itself need not wait for it.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.errors import UserError

if TYPE_CHECKING:
    from runtime.text.classifier import Classifier


def save(model: "Classifier", folder: str) -> None:
    """Write the classifier that `train` returned. Raises UserError for anything else."""
    from runtime.text.classifier import Classifier

    if not isinstance(model, Classifier):
        raise UserError(
            "train() must return a classifier of runtime.text; for any other model define save_fn and model_fn"
        )
    model.network.cpu().save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    for file in Path(folder).glob("*.safetensors"):
        file.chmod(0o644)  # transformers lets nobody else read them, but an endpoint may be another user


def load(folder: str) -> "Classifier":
    """Read the classifier back. Raises OSError or ValueError, or what safetensors raises for a file that is damaged."""
    from runtime.text.classifier import read

    # Each worker computes on one CPU, and threads of the tokenizer's would not survive the fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    return read(Path(folder)).eval()
