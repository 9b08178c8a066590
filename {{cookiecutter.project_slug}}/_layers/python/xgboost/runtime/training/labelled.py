"""Channels of rows with a label: what XGBoost learns from."""

from typing import Any, NamedTuple

import numpy as np

from runtime.data import libsvm
from runtime.data.tables import joined
from runtime.distributed import consensus, distribution
from runtime.distributed.shares import Share
from runtime.errors import InputError, UserError
from runtime.training.booster_parameters import BoosterParameters
from runtime.training.channels import Channel, open_bytes


class Labelled(NamedTuple):
    """Rows: `features` of shape (rows, features), nan or (in a sparse matrix) nothing where they are missing.

    `labels` and, where there are any, `weights` and `queries` have shape (rows,). The rows of a query are ranked among
    one another, and stand together.
    """

    features: Any
    labels: np.ndarray
    weights: np.ndarray | None = None
    queries: np.ndarray | None = None


def read_labelled(channel: Channel, parameters: BoosterParameters) -> Labelled:
    """Read a channel, of which this host keeps its share where several train.

    It is CSV without header, the label in the first column and with `csv_weights` the row's weight in the second; or
    Parquet with such columns; or LIBSVM, where the job says so (text/libsvm). An empty cell of a feature is missing.
    Raises InputError that names the line of what cannot be read, or UserError.
    """
    media_type = (channel.content_type or "").partition(";")[0].strip().lower()
    if media_type in libsvm.MEDIA_TYPES:
        data = of_libsvm(channel)
    else:
        data = of_columns(channel, weights=bool(parameters.csv_weights))
    for name, each in {"labels": "label", "weights": "weight", "queries": "query"}.items():
        column = getattr(data, name)
        if column is not None and np.isnan(column).any():
            raise InputError(f"{place(channel, np.isnan(column))}: the {each} is empty")
    mine = share_of(channel, data)
    weights, queries = (None if column is None else column[mine] for column in (data.weights, data.queries))
    return Labelled(data.features[mine], data.labels[mine], weights, queries)


def share_of(channel: Channel, data: Labelled) -> slice | np.ndarray:
    """Return which rows of a channel this host learns from; all of a query it has or leaves to another.

    Raises InputError where the rows of a query do not stand together.
    """
    mine = Share(len(data.labels), sharded=channel.sharded).mine
    if data.queries is None:
        return mine
    if (falling := np.diff(data.queries) < 0).any():
        raise InputError(f"{place(channel, falling, 1)}: the query's number is lower than that of the row before")
    return mine if channel.sharded else data.queries % distribution.size() == distribution.rank()


def place(channel: Channel, wrong: np.ndarray, after: int = 0) -> str:
    """Say where the first wrong row is, or the row so many after it."""
    return f"channel '{channel.name}', row {int(np.flatnonzero(wrong)[0]) + 1 + after} of all files"


def of_columns(channel: Channel, *, weights: bool) -> Labelled:
    """Return the rows of a channel of CSV or Parquet files."""
    values = joined(
        [
            rows
            for table in channel.tables(header=False)
            for rows in table.chunks(dict.fromkeys(table.names or map(str, range(1, table.width + 1)), float))
        ]
    )
    first = 2 if weights else 1
    if values.shape[1] <= first:
        columns = "a label, a weight and features" if weights else "a label and features"
        raise UserError(f"channel '{channel.name}' has {values.shape[1]} columns, expected {columns}")
    return Labelled(values[:, first:], values[:, 0], values[:, 1] if weights else None)


def of_libsvm(channel: Channel) -> Labelled:
    """Return the rows of a channel of LIBSVM files; they are as wide as the largest index of all hosts asks."""
    parts = []
    for file in channel.files:
        with open_bytes(file) as stream:
            parts.append(libsvm.read(stream, f"{channel.name}/{file.relative_to(channel.path)}, "))
    rows = libsvm.joined(parts)
    if not len(rows.labels):
        raise UserError(f"channel '{channel.name}' has no file with rows in {channel.path}")
    features = rows.matrix(int(consensus.each(rows.width).max()))
    return Labelled(features, rows.labels, queries=None if np.isnan(rows.queries).all() else rows.queries)
