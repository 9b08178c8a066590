"""What processes that train together must agree on: a decision that only some take leaves the rest waiting.

With one process all of this is trivially so, and costs nothing.
"""

import numpy as np

from runtime.distributed import distribution
from runtime.errors import UserError


def each(value: float) -> np.ndarray:
    """The value of every process in order of rank, shape (processes,)."""
    values = np.zeros(distribution.size())
    values[distribution.rank()] = value
    return distribution.total(values)


def anyone(flag: bool) -> bool:
    """Whether the flag is set in at least one process, for example because SageMaker stops that host."""
    return bool(distribution.total([float(flag)])[0])


def require_same(what: str, value: float) -> None:
    """Raise UserError where processes disagree about a number that they must share."""
    values = each(value).tolist()
    if len(set(values)) > 1:
        raise UserError(f"the hosts disagree about the {what}: {', '.join(f'{one:g}' for one in values)}")
