"""FEATURES as the matrix that a network takes: numbers scaled, texts one-hot, missing values filled and marked.

The parameters that this needs are learnt, and kept beside the network as JSON. scikit-learn's transformers learn on
one host only, and with skops would add 1.1 s to each start and 200 MB to the image.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from runtime.data.tables import Features
from runtime.distributed import consensus, distribution
from runtime.distributed.shares import Share
from runtime.errors import UserError

FILE = "columns.json"


@dataclass(frozen=True)
class Number:
    """A feature of numbers, standardised with mean and standard deviation; a missing one becomes 0, the mean.

    With `gaps`, if some were missing in training, a second column is 1 for missing numbers.
    """

    name: str
    mean: float
    deviation: float
    gaps: bool

    @property
    def width(self) -> int:
        """How many columns it becomes."""
        return 2 if self.gaps else 1

    def matrix(self, values: np.ndarray) -> np.ndarray:
        """Return the columns of values of shape (rows,), float64 with nan: shape (rows, width)."""
        gaps = missing(values)
        scaled = np.where(gaps, 0.0, (values - self.mean) / self.deviation)
        return np.stack([scaled, gaps] if self.gaps else [scaled], axis=1)


@dataclass(frozen=True)
class Category:
    """A feature of texts, one-hot: a column for each of `texts`, those of training, with None if some were missing.

    A text that training did not have is 0 in all columns.
    """

    name: str
    texts: list[str | None]

    @property
    def width(self) -> int:
        """How many columns it becomes."""
        return len(self.texts)

    @cached_property
    def places(self) -> dict[str | None, int]:
        """The column of each text."""
        return {text: place for place, text in enumerate(self.texts)}

    def matrix(self, values: np.ndarray) -> np.ndarray:
        """Return the columns of values of shape (rows,), texts and None: shape (rows, width)."""
        places = np.array([self.places.get(text, -1) for text in values])
        return places[:, None] == np.arange(self.width)


class Columns:
    """Turns features into the matrix that a network takes: learnt in training, the same in serving.

    `train` may return a network and its columns, as a pair: both are saved, and `predict` gets such a pair.

    Attributes:
        width: how many columns the matrix has.
    """

    def __init__(self, parts: Sequence[Number | Category]) -> None:
        self.parts = list(parts)
        self.width = sum(part.width for part in self.parts)

    @classmethod
    def learn(cls, features: Features, table: np.ndarray, share: Share) -> "Columns":
        """Learn from the rows of all hosts; every process calls this, with the rows that its host has.

        `table` is what a channel's `matrix(features)` gives. Raises UserError for a feature that no row has a value of.
        """
        columns = dict(zip(features, columns_of(table), strict=True))
        counts = distribution.total([missing(column[share.mine]).sum() for column in columns.values()])
        if (counts == share.total).any():
            name = [*columns][counts.argmax()]
            raise UserError(
                f"no row has a value of '{name}', so that nothing can be learnt from it: remove it from FEATURES"
            )
        gaps = dict(zip(columns, (counts > 0).tolist(), strict=True))
        numbers = {name: column for name, column in columns.items() if features[name] is float}
        texts = {name: column for name, column in columns.items() if features[name] is str}
        learnt: list[Number | Category] = [*learnt_numbers(numbers, gaps, share), *learnt_texts(texts, gaps, share)]
        parts = {part.name: part for part in learnt}
        return cls([parts[name] for name in columns])

    def matrix(self, table: np.ndarray) -> np.ndarray:
        """Return the features as columns side by side, in their order: shape (rows, width), float32.

        Raises UserError for a table with other features than those of training.
        """
        columns = columns_of(table)
        names = [part.name for part in self.parts]
        kinds = ["f" if isinstance(part, Number) else "O" for part in self.parts]
        if [column.dtype.kind for column in columns] != kinds or list(table.dtype.names or names) != names:
            raise UserError(
                f"the model was trained on the features {', '.join(names)}, but FEATURES in algorithm.py has others: "
                "train it again"
            )
        result = np.empty((len(table), self.width), np.float32)
        end = 0
        for part, column in zip(self.parts, columns, strict=True):
            end += part.width
            result[:, end - part.width : end] = part.matrix(column)
        return result

    def save(self, folder: str | Path) -> None:
        """Write the parameters to a file of the folder."""
        (Path(folder) / FILE).write_text(json.dumps([asdict(part) for part in self.parts], indent=1) + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> "Columns":
        """Read what `save` wrote. Raises FileNotFoundError."""
        parts = json.loads((Path(folder) / FILE).read_text())
        return cls([Number(**part) if "mean" in part else Category(**part) for part in parts])


def columns_of(table: np.ndarray) -> list[np.ndarray]:
    """Return the columns of a table of features, each of shape (rows,): float64, or texts and None."""
    return [table[name] for name in table.dtype.names] if table.dtype.names else list(table.T)


def missing(values: np.ndarray) -> np.ndarray:
    """Return which values of a column are missing, shape (rows,)."""
    return np.isnan(values) if values.dtype.kind == "f" else np.array([text is None for text in values], bool)


def learnt_numbers(columns: Mapping[str, np.ndarray], gaps: Mapping[str, bool], share: Share) -> list[Number]:
    """Learn the features of numbers; `gaps` says which of them have missing values."""
    if not columns:
        return []
    moments = share.moments(np.stack([*columns.values()], axis=1))
    return [
        Number(name, float(mean), float(deviation), gaps[name])
        for name, mean, deviation in zip(columns, *moments, strict=True)
    ]


def learnt_texts(columns: Mapping[str, np.ndarray], gaps: Mapping[str, bool], share: Share) -> list[Category]:
    """Learn the features of texts; `gaps` says which of them have missing values."""
    everyones = consensus.gather([list({*column[share.mine]} - {None}) for column in columns.values()])
    return [
        Category(name, [*sorted(set().union(*found)), *([None] if gaps[name] else [])])
        for name, found in zip(columns, zip(*everyones, strict=True), strict=True)
    ]


def separated(model: Any) -> tuple[Any, Columns | None]:
    """Return the network and the columns that `train` returned; the columns are None if it returned only a network."""
    if isinstance(model, tuple) and len(model) == 2 and isinstance(model[1], Columns):
        return model
    return model, None


def with_columns(network: Any, folder: str) -> Any:
    """Return what `predict` gets: the network of a folder, or the pair of network and columns where both were kept."""
    return (network, Columns.load(folder)) if (Path(folder) / FILE).exists() else network
