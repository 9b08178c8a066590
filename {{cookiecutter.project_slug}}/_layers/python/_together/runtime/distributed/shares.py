"""The rows of a data set that each process computes on, when several train together.

Whatever their number, the processes go through the same rows in the same mini-batches; each takes its share of every
batch. So the result does not depend on their number, except for rounding.
"""

import numpy as np

from runtime.distributed import consensus, distribution


class Share:
    """This process's share of a data set that has `total` rows on all hosts, `rows` of them on this one.

    With `sharded` each host has different rows (ShardedByS3Key, T29) and computes on those. Otherwise every host has
    all rows, and each process computes on every n-th row of a batch.

    Attributes:
        mine: the slice of this host's rows that this process computes on when all rows are used at once.
    """

    def __init__(self, rows: int, *, sharded: bool) -> None:
        self.rows, self.total, self.first = rows, rows, 0
        self.sharded = sharded
        if sharded:
            per_host = distribution.local_size()
            self.mine = slice(distribution.rank() % per_host, None, per_host)
            of_hosts = consensus.each(rows)[::per_host]
            self.total = int(of_hosts.sum())
            self.first = int(of_hosts[: distribution.rank() // per_host].sum())
        else:
            self.mine = slice(distribution.rank(), None, distribution.size())
            consensus.require_same("number of rows (is the channel ShardedByS3Key?)", rows)

    def batches(self, size: int, seed: int, epoch: int) -> list[tuple[np.ndarray, int]]:
        """Return the mini-batches of an epoch, in an order that depends only on seed and epoch.

        Each is a pair: the positions of this process's rows, possibly none, and the number of rows of the whole batch.
        """
        order = np.random.default_rng([seed, epoch]).permutation(self.total)
        batches = [order[start : start + size] for start in range(0, self.total, size)]
        return [(self._of(batch), len(batch)) for batch in batches]

    def _of(self, batch: np.ndarray) -> np.ndarray:
        """Return the positions on this host of the rows of a batch that this process computes on."""
        if self.sharded:
            here = batch - self.first
            batch = here[(here >= 0) & (here < self.rows)]
        return batch[self.mine]

    def moments(self, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and standard deviation of each column over all hosts, shape (columns,); nan is skipped.

        The deviation is 1 for a constant column, also if rounding makes it a little more than 0.
        """
        mine = data[self.mine]
        count = distribution.total((~np.isnan(mine)).sum(axis=0))
        mean = distribution.total(np.nansum(mine, axis=0)) / count
        deviation = np.sqrt(distribution.total(np.nansum((mine - mean) ** 2, axis=0)) / count)
        rounding = count * np.finfo(np.float64).eps * np.abs(mean)
        return mean, np.where(deviation > rounding, deviation, 1.0)
