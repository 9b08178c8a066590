"""Agreement of processes that train together: a decision that only some take leaves the rest waiting.

With one process all of this is trivial, and costs nothing.
"""

import json
from typing import Any

import numpy as np

from runtime.distributed import distribution
from runtime.errors import UserError


def each(value: float) -> np.ndarray:
    """Return the value of every process in order of rank, shape (processes,)."""
    values = np.zeros(distribution.size())
    values[distribution.rank()] = value
    return distribution.total(values)


def gather(value: Any) -> list[Any]:
    """Return the value of every process in order of rank: texts, numbers, lists, anything that JSON holds."""
    own = np.frombuffer(json.dumps(value).encode(), np.uint8)
    ends = np.cumsum(each(len(own))).astype(int)
    end = ends[distribution.rank()]
    content = np.zeros(ends[-1])
    content[end - len(own) : end] = own
    everyones = distribution.total(content).astype(np.uint8)
    return [json.loads(part.tobytes()) for part in np.split(everyones, ends[:-1])]


def anyone(flag: bool) -> bool:
    """Return whether the flag is set in at least one process, for example because SageMaker stops that host."""
    return bool(distribution.total([float(flag)])[0])


def require_same(what: str, value: float) -> None:
    """Raise UserError where processes disagree about a number that they must share."""
    values = each(value).tolist()
    if len(set(values)) > 1:
        raise UserError(f"the hosts disagree about the {what}: {', '.join(f'{one:g}' for one in values)}")
