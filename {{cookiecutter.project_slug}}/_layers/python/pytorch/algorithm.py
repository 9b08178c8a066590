"""Your algorithm. THIS IS THE FILE YOU EDIT: hyperparameters, network, train and predict.

The example learns a curve with bends in it: the electricity demand of a town against the temperature. It trains on
one host or on several, with the same result. Its hyperparameters and the reading of its data are in demand.py. Replace
both with your own; `make local-test` then shows whether SageMaker will take it.
"""

import copy
from dataclasses import asdict, replace

import numpy as np
import torch
from torch.nn.functional import mse_loss

from demand import Hyperparameters, read
from runtime.api import EarlyStopping, InputError, adapter, consensus, distribution

CHECKPOINT_EVERY = 5  # epochs


class Network(torch.nn.Module):
    """The network, the same in training and serving: it takes features as they come, and gives predictions.

    `arguments` are kept with the model, to build the network again.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.arguments = {"features": features, "hidden": hidden}
        self.register_buffer("mean", torch.zeros(features + 1))  # of the features, then of the target
        self.register_buffer("scale", torch.ones(features + 1))
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(features, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, 1),
        )

    def set_moments(self, mean: np.ndarray, scale: np.ndarray) -> None:
        """Set what features and target are standardised with, two arrays of shape (features + 1,)."""
        self.mean.copy_(torch.from_numpy(mean))
        self.scale.copy_(torch.from_numpy(scale))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return predictions of shape (rows,) for features of shape (rows, features), float32."""
        hidden = self.layers((features - self.mean[:-1]) / self.scale[:-1])
        return hidden[:, 0] * self.scale[-1] + self.mean[-1]


def train(channels, hyperparameters: Hyperparameters, job):
    """Fit the network to the `train` channel until it no longer gets better on `validation`.

    Both are CSV without header, the target in the first column. The network that is returned is saved for `predict`.
    On several hosts each runs this with its share of the rows, and the first saves the network.
    """
    torch.manual_seed(hyperparameters.seed)
    data, validation = tensors(read(channels["train"])), tensors(read(channels["validation"]))
    network = Network(data.features.shape[1], hyperparameters.hidden)
    network.set_moments(*data.moments)
    network.to(distribution.device())
    optimizer = torch.optim.Adam(network.parameters(), lr=hyperparameters.learning_rate)
    progress = EarlyStopping(hyperparameters.patience)
    best = copy.deepcopy(network.state_dict())

    if checkpoint := job.checkpoints.latest():
        state = adapter.read(checkpoint)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        progress, best = EarlyStopping(**state["progress"]), state["best"]
    consensus.require_same("number of epochs in their checkpoints", progress.epoch)

    stopping = False
    parallel = distribution.parallel(network)
    while progress.epoch < hyperparameters.epochs and not progress.exhausted and not stopping:
        train_loss = fit_epoch(parallel, optimizer, data, progress.epoch, hyperparameters)
        validation_loss = evaluate(network, validation)
        if progress.improved(validation_loss):
            best = copy.deepcopy(network.state_dict())
        job.report({"epoch": progress.epoch, "train:mse": train_loss, "validation:mse": validation_loss})

        stopping = consensus.anyone(bool(job.stopping))
        if job.is_first and (stopping or progress.epoch % CHECKPOINT_EVERY == 0):
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            with job.checkpoints.write(progress.epoch, ".pt") as path:
                adapter.dump(state | {"best": best, "progress": asdict(progress)}, path)

    network.load_state_dict(best)
    return network


def predict(model, features):
    """Predict one number for each row of `features`, an array of shape (rows, features), in one forward pass.

    An InputError becomes an answer with status 400 that shows its message; any other exception one with 500.
    """
    expected = model.arguments["features"]
    if features.shape[1] != expected:
        raise InputError(f"expected features of shape (rows, {expected}), got {features.shape}")
    with torch.inference_mode():
        return model(torch.from_numpy(features).float()).numpy()


def tensors(data):
    """Return the data of a channel with its arrays as tensors, where this process computes."""
    on_device = {
        name: torch.from_numpy(getattr(data, name)).to(distribution.device()) for name in ("features", "target")
    }
    return replace(data, **on_device)


def fit_epoch(network, optimizer, data, epoch, hyperparameters):
    """Go through the data once, in mini-batches; return the mean squared error meanwhile."""
    losses, processes = [], distribution.size()
    for positions, count in data.share.batches(hyperparameters.batch_size, hyperparameters.seed, epoch):
        rows = torch.from_numpy(positions)
        errors = mse_loss(network(data.features[rows]), data.target[rows], reduction="sum")
        optimizer.zero_grad()
        # `errors` are those of this process's part of the batch, and the gradients of all processes are averaged.
        errors.backward(torch.full_like(errors, processes / count))
        optimizer.step()
        losses.append(errors.detach())
    return distribution.total([torch.stack(losses).sum().item()])[0] / data.share.total


def evaluate(network, data):
    """Return the mean squared error on the data."""
    mine = data.share.mine
    with torch.inference_mode():
        total = mse_loss(network(data.features[mine]), data.target[mine], reduction="sum")
    return distribution.total([total.item()])[0] / data.share.total
