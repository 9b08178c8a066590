"""The training of the PyTorch example as a script of its own: the same loop, network and data, without the runtime.

Usage: python bare_pytorch.py FOLDER EPOCHS. The folder has the channels; model and checkpoint are written beside them.
"""

import copy
import sys
from pathlib import Path

import numpy as np
import torch
from pytorch_model import Network
from torch.nn.functional import mse_loss

BATCH_SIZE, LEARNING_RATE, HIDDEN, SEED, CHECKPOINT_EVERY = 64, 0.01, 32, 0, 5
folder, epochs = Path(sys.argv[1]), int(sys.argv[2])


def read(channel):
    """Read a channel: features and target, the target comes first in the file."""
    table = torch.tensor(np.loadtxt(folder / channel / "demand.csv", delimiter=","), dtype=torch.float32)
    return table[:, 1:], table[:, 0]


torch.manual_seed(SEED)
features, target = read("train")
validation_features, validation_target = read("validation")
network = Network(features.shape[1], HIDDEN)
columns = torch.cat([features, target[:, None]], dim=1).double()
network.mean.copy_(columns.mean(dim=0))
network.scale.copy_(columns.std(dim=0, correction=0))
optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
best, best_loss = copy.deepcopy(network.state_dict()), float("inf")

for epoch in range(epochs):
    total = 0.0
    for rows in torch.from_numpy(np.random.default_rng([SEED, epoch]).permutation(len(target))).split(BATCH_SIZE):
        loss = mse_loss(network(features[rows]), target[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    with torch.no_grad():
        validation_loss = mse_loss(network(validation_features), validation_target).item()
    if validation_loss < best_loss:
        best, best_loss = copy.deepcopy(network.state_dict()), validation_loss
    print(f"epoch={epoch + 1} train:mse={total / len(target)} validation:mse={validation_loss}", flush=True)
    if (epoch + 1) % CHECKPOINT_EVERY == 0:
        state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "best": best}
        torch.save(state | {"epoch": epoch + 1, "best_loss": best_loss}, folder / "checkpoint.pt")

torch.save({"arguments": {"features": features.shape[1], "hidden": HIDDEN}, "state": best}, folder / "model.pt")
