"""Training on several hosts and GPUs with TensorFlow's distribution strategies (contract T42, T45).

With one host and at most one GPU there is nothing to start, and all functions work, too. A process is a host here,
whatever the number of its GPUs, each of which is a replica.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runtime.distributed.hosts import Hosts


def start(hosts: Hosts, addresses: Sequence[str]) -> None:
    """Join the other hosts, whose addresses are "name:port" in order of rank. Blocks until all have joined."""
    task = {"type": "worker", "index": hosts.rank}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": list(addresses)}, "task": task})
    # TensorFlow reaches hosts by their names; NCCL would guess which of their networks leads there (T16).
    os.environ.setdefault("NCCL_SOCKET_IFNAME", hosts.network_interface)
    strategy()


@cache
def strategy() -> tf.distribute.Strategy:
    """Return the strategy that mirrors variables on all hosts, or on the GPUs of this one; else the default one."""
    if size() > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


@cache
def rank() -> int:
    """Return the number of this process among all, from 0."""
    return json.loads(os.environ["TF_CONFIG"])["task"]["index"] if "TF_CONFIG" in os.environ else 0


@cache
def size() -> int:
    """Return how many processes train together."""
    return len(json.loads(os.environ["TF_CONFIG"])["cluster"]["worker"]) if "TF_CONFIG" in os.environ else 1


def local_size() -> int:
    """Return how many processes run on each host."""
    return 1


def compiled(step: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """Compile a training step, `step(features, target, *numbers)`, which each replica runs on its part of the rows.

    The result takes this process's rows as arrays, and returns the sum of the step's results over all replicas. It is
    compiled again for other numbers, so let those be few: passing them would take a tenth of a small step's time.
    """
    replicas = strategy().num_replicas_in_sync // size()

    @cache
    def everywhere(*numbers: float) -> Callable[..., tf.Tensor]:
        @tf.function(reduce_retracing=True)
        def summed(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
            results = strategy().run(step, args=(features, target, *numbers))
            return strategy().reduce(tf.distribute.ReduceOp.SUM, results, axis=None)

        return summed

    def run(features: np.ndarray, target: np.ndarray, *numbers: float) -> tf.Tensor:
        return everywhere(*numbers)(_divided(features, replicas), _divided(target, replicas))

    return run


def _divided(rows: np.ndarray, replicas: int) -> tf.Tensor:
    """Give each of this process's replicas every n-th row."""
    if replicas == 1:
        return tf.constant(rows)
    return strategy().experimental_distribute_values_from_function(
        lambda context: tf.constant(rows[context.replica_id_in_sync_group % replicas :: replicas])
    )


def total(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the sum over all processes of each of the values, shape (len(values),)."""
    own = np.asarray(values, np.float64)
    if size() == 1:
        return own
    replicas = strategy().num_replicas_in_sync // size()
    once = strategy().experimental_distribute_values_from_function(
        lambda context: tf.constant(own if context.replica_id_in_sync_group % replicas == 0 else 0 * own)
    )
    return strategy().reduce(tf.distribute.ReduceOp.SUM, once, axis=None).numpy()


def digest(model: Any) -> str | None:
    """Return the SHA-256 of a network's parameters, by which hosts can be compared; None for anything else.

    The network may be the first of a pair, with its Columns.
    """
    network = model[0] if isinstance(model, tuple) and model else model
    if not isinstance(network, keras.Model):
        return None
    found = hashlib.sha256()
    for variable in network.weights:
        found.update(variable.numpy().tobytes())
    return found.hexdigest()
