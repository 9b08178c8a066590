"""Training on several hosts and GPUs with torch.distributed: gloo between CPUs, NCCL between GPUs (contract T42, T45).

With one process there is nothing to start, and all functions work, too.
"""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from runtime.distributed.hosts import Hosts


def start(hosts: Hosts, addresses: Sequence[str]) -> None:
    """Join the other processes at the first of the addresses, "name:port". Blocks until all have joined."""
    # Otherwise both libraries would guess which of a host's networks leads to the others (T16).
    os.environ.setdefault("GLOO_SOCKET_IFNAME", hosts.network_interface)
    os.environ.setdefault("NCCL_SOCKET_IFNAME", hosts.network_interface)
    if torch.cuda.is_available():
        torch.cuda.set_device(device())
    dist.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        init_method=f"tcp://{addresses[0]}",
        rank=hosts.rank * local_size() + local_rank(),
        world_size=hosts.size * local_size(),
    )


def device() -> torch.device:
    """Return the device that this process computes on: its GPU, or the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", local_rank())


def rank() -> int:
    """Return the number of this process among all, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def local_size() -> int:
    """Return how many processes run on each host: one, or one for each of several GPUs (launcher.py)."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def local_rank() -> int:
    """Return the number of this process among those of its host, from 0."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def parallel(network: torch.nn.Module) -> torch.nn.Module:
    """Return the network, so that the gradients of `backward()` are the mean of those of all processes."""
    if not dist.is_initialized():
        return network
    # Buffers need not be copied at every step: they are the same in all processes.
    return DistributedDataParallel(network, broadcast_buffers=False)


def total(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the sum over all processes of each of the values, shape (len(values),)."""
    if not dist.is_initialized():
        return np.array(values, dtype=np.float64)
    summed = torch.tensor(values, dtype=torch.float64, device=device())
    dist.all_reduce(summed)
    return summed.cpu().numpy()


def digest(model: Any) -> str | None:
    """Return the SHA-256 of a network's parameters, by which hosts can be compared; None for anything else.

    The network may be the first of a pair, with its Columns.
    """
    network = model[0] if isinstance(model, tuple) and model else model
    if not isinstance(network, torch.nn.Module):
        return None
    found = hashlib.sha256()
    for tensor in network.state_dict().values():
        found.update(tensor.cpu().numpy().tobytes())
    return found.hexdigest()
