"""The PyTorch example for the peers: the network written by hand, loaded and asked as users do it."""

import os
from pathlib import Path

import torch


class Network(torch.nn.Module):
    """The same network as the example's, so that its weights fit."""

    def __init__(self, features, hidden):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features + 1))
        self.register_buffer("scale", torch.ones(features + 1))
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(features, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, 1),
        )

    def forward(self, x):
        """Predict the target in its own unit."""
        return self.layers((x - self.mean[:-1]) / self.scale[:-1])[:, 0] * self.scale[-1] + self.mean[-1]


def load():
    """Return the model that our side has trained."""
    content = torch.load(Path(os.environ["MODEL_FOLDER"]) / "model/model.pt", weights_only=True)
    network = Network(**content["arguments"])
    network.load_state_dict(content["state"])
    return network.eval()


def predict(model, data):
    """Predict one number for each row of a data frame."""
    with torch.no_grad():
        return model(torch.tensor(data.values, dtype=torch.float32)).numpy()
