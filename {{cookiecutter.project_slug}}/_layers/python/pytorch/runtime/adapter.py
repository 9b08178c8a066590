"""Keeps a model: a network's arguments and its tensors in one file, which is read without unpickling code.

Columns that are returned with it are kept beside it. torch is imported late: an algorithm that keeps its model itself,
without it, need not wait for it.
"""

import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.errors import UserError

if TYPE_CHECKING:
    from torch.nn import Module

    from runtime.data.columns import Columns

FILE = "model.pt"


def save(model: "Module | tuple[Module, Columns]", folder: str) -> None:
    """Write what `train` returned, a network or one and its Columns.

    Raises UserError for anything that `load` could not rebuild.
    """
    import torch

    from runtime.data.columns import separated

    network, columns = separated(model)
    if not isinstance(network, torch.nn.Module) or not hasattr(network, "arguments"):
        raise UserError(
            "train() must return a Network of algorithm.py with its `arguments`, or a pair of it and its Columns; "
            "for any other model define save_fn and model_fn"
        )
    dump({"arguments": network.arguments, "state": network.cpu().state_dict()}, Path(folder) / FILE)
    if columns:
        columns.save(folder)


def load(folder: str) -> Any:
    """Rebuild the network; return it, or a pair of it and its Columns if those were saved, too.

    Raises FileNotFoundError, or an error of torch's for a file that is not its own.
    """
    import algorithm
    from runtime.data.columns import with_columns

    content = read(Path(folder) / FILE)
    network = algorithm.Network(**content["arguments"])
    network.load_state_dict(content["state"])
    return with_columns(network.eval(), folder)


def dump(content: dict[str, Any], path: Path) -> None:
    """Write tensors, numbers and texts, in dicts and lists, to one file: a model or a checkpoint."""
    import torch

    torch.save(content, path)


def read(path: Path) -> Any:
    """Read what `dump` wrote, onto the CPU; no code in the file is run. Raises UserError for what only code could read.

    Numpy's numbers or texts in a network's `arguments` are the usual cause.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        if found is None:
            raise
        raise UserError(
            f"{path.name} holds a {found[1]}, which can only be read by running code: keep tensors, and Python's own "
            "numbers, texts, lists and dicts in `arguments` and checkpoints (float() and str() make them of numpy's)"
        ) from error
