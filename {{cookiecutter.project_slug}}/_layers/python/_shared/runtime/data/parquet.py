"""Parquet files of a channel. Their columns have names and types, so that only null and nan are missing values."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runtime.data.numbers import LARGEST
from runtime.data.tables import Features, Rows, Table, matrix, positions
from runtime.errors import InputError


class ParquetTable(Table):
    """A Parquet file, read by polars as a whole. Raises InputError for other files."""

    names: Sequence[str]

    def __init__(self, path: Path, source: str) -> None:
        import polars as pl

        try:
            self.frame = pl.read_parquet(path).with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise InputError(f"{source.removesuffix(', ')} is not a Parquet file: {error}") from None
        self.names, self.width, self.source = self.frame.columns, self.frame.width, source

    def has_rows(self) -> bool:
        """Return whether there is a row."""
        return len(self.frame) > 0

    def numbers(self) -> np.ndarray:
        """See Table."""
        return np.column_stack(self.columns(dict.fromkeys(self.names, float), optional=False))

    def columns(self, features: Features, *, optional: bool = True) -> list[Any]:
        """See Table."""
        positions(self, features)
        return [self._column(name, kind, optional) for name, kind in features.items()]

    def chunks(self, features: Features | None = None) -> Iterator[Any]:
        """Yield the whole file as `matrix` does, for it is in memory anyway."""
        yield matrix(self, features)

    def _column(self, name: str, kind: type, optional: bool) -> Any:
        import polars as pl

        column = self.frame[name]
        if optional or not column.null_count():
            if kind is str and column.dtype == pl.String:
                return column
            if kind is float and column.dtype.is_numeric():
                values = column.cast(pl.Float64)
                if (values.abs() <= LARGEST).all():  # null is skipped
                    return values.fill_null(float("nan")).to_numpy()
        rows = Rows([[value] for value in column], range(1, len(column) + 1), [name], source=self.source, unit="row")
        return rows.columns({name: kind}, optional=optional)[0]
