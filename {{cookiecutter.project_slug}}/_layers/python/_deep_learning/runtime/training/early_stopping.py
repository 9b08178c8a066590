"""Early stopping: when to end a training whose validation loss no longer falls."""

import math
from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """The progress of a training; as part of each checkpoint it makes a resumed training end like an uninterrupted one.

    Attributes:
        patience: how many epochs may go by without a better loss.
        epoch: the number of epochs done.
        best_epoch, best_loss: the epoch with the lowest validation loss so far, and that loss.
    """

    patience: int
    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf

    def improved(self, loss: float) -> bool:
        """Count an epoch with its validation loss; return whether that is the lowest so far."""
        self.epoch += 1
        if loss < self.best_loss:
            self.best_epoch, self.best_loss = self.epoch, float(loss)
        return self.best_epoch == self.epoch

    @property
    def exhausted(self) -> bool:
        """Whether the patience is used up."""
        return self.epoch - self.best_epoch >= self.patience
