"""The algorithm: a straight line through points (x, y), by gradient descent on the mean squared error."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

INERTIA = 0.8

Points = list[tuple[float, float]]
Line = tuple[float, float]  # intercept and slope


def read_points(folder: Path) -> Points:
    """Return the points in a channel's CSV files, whose columns are x and y."""
    points = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open(encoding="utf-8", newline="") as stream:
            points += [(float(x), float(y)) for x, y in csv.reader(stream)]
    return points


def sums(line: Line, points: Points) -> list[float]:
    """Return what is added up over the hosts in each step: the gradient of the squared error, and the error itself."""
    residuals = [(line[0] + line[1] * x - y, x) for x, y in points]
    return [
        2 * sum(residual for residual, _ in residuals),
        2 * sum(residual * x for residual, x in residuals),
        sum(residual * residual for residual, _ in residuals),
    ]


def step(line: Line, velocity: Line, gradient: Iterable[float], chosen: dict) -> tuple[Line, Line]:
    """Return the line and its velocity after one step down the mean gradient."""
    inertia = INERTIA if chosen["descent"] == "momentum" else 0.0
    moved = [
        inertia * before - chosen["learning_rate"] * slope for before, slope in zip(velocity, gradient, strict=True)
    ]
    if not chosen["intercept"]:
        moved[0] = 0.0
    return (line[0] + moved[0], line[1] + moved[1]), (moved[0], moved[1])


def predict(line: Line, places: Iterable[float]) -> list[float]:
    """Return y for each x."""
    intercept, slope = line
    return [intercept + slope * x for x in places]


def save(line: Line, folder: Path) -> None:
    """Write the model."""
    (folder / "model.json").write_text(json.dumps({"intercept": line[0], "slope": line[1]}), encoding="utf-8")


def load(folder: Path) -> Line:
    """Read the model."""
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return model["intercept"], model["slope"]
