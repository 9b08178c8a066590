"""However many processes there are, each row of a mini-batch is computed on by exactly one."""

import numpy as np
import pytest

from runtime.distributed import consensus, distribution
from runtime.distributed.shares import Share
from runtime.errors import UserError


@pytest.fixture
def world(monkeypatch):
    """Return a function that makes this process one of several; `rows` are those of every process's host."""

    def world(rank, rows, local_size=1):
        monkeypatch.setattr(distribution, "rank", lambda: rank)
        monkeypatch.setattr(distribution, "size", lambda: len(rows))
        monkeypatch.setattr(distribution, "local_size", lambda: local_size)
        monkeypatch.setattr(consensus, "each", lambda value: np.array(rows, dtype=float))
        return Share(rows[rank], sharded=len(set(rows)) > 1)

    return world


def test_alone_it_has_all_rows_in_an_order_of_the_seed(world):
    share = world(0, [10])
    batches = share.batches(4, seed=1, epoch=0)
    assert [count for _, count in batches] == [4, 4, 2]
    order = np.concatenate([rows for rows, _ in batches])
    assert sorted(order) == list(range(10))
    assert order.tolist() == np.concatenate([rows for rows, _ in share.batches(4, seed=1, epoch=0)]).tolist()
    assert order.tolist() != np.concatenate([rows for rows, _ in share.batches(4, seed=1, epoch=1)]).tolist()


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_with_the_same_rows_divide_every_batch(world, processes):
    alone = [rows.tolist() for rows, _ in world(0, [11]).batches(4, seed=1, epoch=0)]
    shares = [world(rank, [11] * processes).batches(4, seed=1, epoch=0) for rank in range(processes)]
    for number, whole in enumerate(alone):
        parts = [share[number][0].tolist() for share in shares]
        assert sorted(row for part in parts for row in part) == sorted(whole)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
        assert {share[number][1] for share in shares} == {len(whole)}


@pytest.mark.parametrize(("rows", "local_size"), [([7, 4], 1), ([7, 0], 1), ([3, 3, 6, 6], 2)])
def test_sharded_rows_make_the_batches_that_one_host_with_all_would(world, rows, local_size):
    of_hosts = rows[::local_size]
    first = np.concatenate([[0], np.cumsum(of_hosts)])
    alone = [batch.tolist() for batch, _ in world(0, [sum(of_hosts)]).batches(4, seed=1, epoch=0)]
    found = [[] for _ in alone]
    for rank in range(len(rows)):
        for number, (mine, count) in enumerate(world(rank, rows, local_size).batches(4, seed=1, epoch=0)):
            found[number] += (mine + first[rank // local_size]).tolist()
            assert count == len(alone[number])
    assert [sorted(batch) for batch in found] == [sorted(batch) for batch in alone]


def test_hosts_with_different_rows_that_should_be_the_same_are_told(world, monkeypatch):
    with pytest.raises(UserError, match=r"number of rows .* 5, 6"):
        monkeypatch.setattr(consensus, "each", lambda value: np.array([5.0, 6.0]))
        Share(5, sharded=False)
