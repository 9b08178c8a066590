"""The example's data and hyperparameters; algorithm.py has the network. With another algorithm, delete this file."""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, Field

from runtime.api import Share, UserError


class Hyperparameters(BaseModel):
    """What a job can set: SageMaker's strings arrive here with the types, limits and defaults below."""

    epochs: int = Field(200, ge=1, description="passes over the data, at most")
    patience: int = Field(20, ge=1, description="epochs without a lower validation loss after which training ends")
    batch_size: int = Field(64, ge=1, description="rows in a mini-batch, over all hosts")
    learning_rate: float = Field(0.01, gt=0, le=1, description="step size of Adam")
    hidden: int = Field(32, ge=1, le=4096, description="units in each of the two hidden layers")
    seed: int = Field(0, ge=0, description="seed of the first weights and of the order of the rows")


@dataclass(frozen=True)
class Data:
    """A channel's rows on this host, arrays of shape (rows, features) and (rows,), and which of them are computed here.

    `moments` are the mean and the standard deviation of the features and, the last of them, of the target, over all
    hosts: two arrays of shape (features + 1,).
    """

    features: np.ndarray
    target: np.ndarray
    share: Share
    moments: tuple[np.ndarray, np.ndarray]


def read(channel):
    """Read all files of a channel: CSV without header, the target in the first column."""
    table = channel.matrix()
    if table.shape[1] < 2:
        raise UserError(f"channel '{channel.name}' has one column, the target: put the features into those behind it")
    share = Share(len(table), sharded=channel.sharded)
    # The target comes first in the files, last in the moments.
    columns = np.roll(table, -1, axis=1)
    features, target = np.split(columns.astype(np.float32), [-1], axis=1)
    return Data(features, target[:, 0], share, share.moments(columns))
