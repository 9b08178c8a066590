"""What the members of a network are: a graph convolutional network over nodes and edges, in plain PyTorch."""

import json

import numpy as np
import torch
from pydantic import BaseModel, Field
from torch.nn.functional import cross_entropy

from runtime.api import InputError, UserError, matrix, read_csv

# A request is a graph: {"nodes": [[0.5, 1.2], ...], "edges": [[0, 1], ...]}, edges by the nodes' places from 0.
SUPPORTED_CONTENT_TYPES = ["application/json"]
SUPPORTED_RESPONSE_MIME_TYPES = ["application/json"]


class Hyperparameters(BaseModel):
    """What a job can set."""

    hidden: int = Field(16, ge=1, description="width of the hidden layer")
    epochs: int = Field(200, ge=1, description="passes over the graph")
    learning_rate: float = Field(0.01, gt=0, description="step of Adam")


class Network(torch.nn.Module):
    """Two graph convolutions (Kipf and Welling, 2017). `arguments` are kept with the model, to build it again."""

    def __init__(self, features: int, hidden: int, classes: list[str]) -> None:
        super().__init__()
        self.arguments = {"features": features, "hidden": hidden, "classes": classes}
        self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, len(classes))

    def forward(self, nodes: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
        """Scores of shape (nodes, classes) for nodes of shape (nodes, features)."""
        return neighbours @ self.second(torch.relu(neighbours @ self.first(nodes)))


def train(channels, hyperparameters, job):
    """Fit the network to the graph in channel `train`: nodes.csv (id, features, class) and edges.csv (ids)."""
    files = {file.name: file for file in channels["train"].files}
    if missing := {"nodes.csv", "edges.csv"} - files.keys():
        raise UserError(f"channel 'train' has no {' and no '.join(sorted(missing))}")
    table = read_csv(files["nodes.csv"].read_text(), header=True, source="nodes.csv, ")
    ids, labels = table.column("id").tolist(), table.column("class").tolist()
    nodes = matrix(table, {name: float for name in table.names if name not in ("id", "class")})
    edges = matrix(
        read_csv(files["edges.csv"].read_text(), header=True, source="edges.csv, "), {"source": str, "target": str}
    )
    places = {name: place for place, name in enumerate(ids)}
    try:
        edges = [
            (places[source], places[target]) for source, target in zip(edges["source"], edges["target"], strict=True)
        ]
    except KeyError as error:
        raise UserError(f"edges.csv names node {error}, which nodes.csv does not have") from None

    torch.manual_seed(0)
    classes = sorted(set(labels))
    target = torch.tensor([classes.index(label) for label in labels])
    network = Network(nodes.shape[1], hyperparameters.hidden, classes)
    optimizer = torch.optim.Adam(network.parameters(), lr=hyperparameters.learning_rate, weight_decay=5e-4)
    graph = torch.from_numpy(nodes).float(), neighbourhood(len(nodes), edges)
    for _ in range(hyperparameters.epochs):
        optimizer.zero_grad()
        loss = cross_entropy(network(*graph), target)
        loss.backward()
        optimizer.step()
    job.report(
        {"train:loss": float(loss), "train:accuracy": float((network(*graph).argmax(1) == target).float().mean())}
    )
    return network


def input_fn(body, content_type):
    """Read a graph: its nodes, an array of shape (nodes, features), and its edges, pairs of places."""
    graph = json.loads(body)
    if not isinstance(graph, dict) or not {"nodes", "edges"} <= graph.keys():
        raise InputError('send {"nodes": [[...], ...], "edges": [[0, 1], ...]}')
    nodes, edges = np.array(graph["nodes"], np.float32), np.array(graph["edges"], int).reshape(-1, 2)
    if nodes.ndim != 2 or not np.isfinite(nodes).all():
        raise InputError("nodes must be lists of as many numbers each")
    if edges.size and not 0 <= edges.min() <= edges.max() < len(nodes):
        raise InputError(f"edges must be between nodes 0 and {len(nodes) - 1}")
    return nodes, edges


def predict(model, graph):
    """Predict the class of each node."""
    nodes, edges = graph
    if nodes.shape[1] != model.arguments["features"]:
        raise InputError(f"nodes have {nodes.shape[1]} features, expected {model.arguments['features']}")
    with torch.inference_mode():
        best = model(torch.from_numpy(nodes), neighbourhood(len(nodes), edges)).argmax(1)
    return [model.arguments["classes"][index] for index in best]


def neighbourhood(count, edges):
    """Return the matrix that takes the mean over a node and its neighbours, each by the root of its degree."""
    adjacency = torch.eye(count)
    for source, target in edges:
        adjacency[source, target] = adjacency[target, source] = 1
    scale = adjacency.sum(1).rsqrt()
    return scale[:, None] * adjacency * scale
