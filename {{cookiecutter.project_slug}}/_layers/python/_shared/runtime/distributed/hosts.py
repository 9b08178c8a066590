"""The hosts of a training job (contract T16, T17)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hosts:
    """The hosts of the job, in SageMaker's order, which is the same on every host."""

    current: str = "localhost"
    all: tuple[str, ...] = ("localhost",)
    network_interface: str = "eth0"

    @classmethod
    def from_config(cls, resources: Mapping[str, Any]) -> "Hosts":
        """Read resourceconfig.json in any of its forms; without it (not on SageMaker) there is one host."""
        if "current_host" not in resources:
            return cls()
        current = resources["current_host"]
        return cls(
            current=current,
            all=tuple(sorted(resources.get("hosts") or [current])),
            network_interface=resources.get("network_interface_name") or "eth0",
        )

    @property
    def rank(self) -> int:
        """The number of this host, from 0."""
        return self.all.index(self.current)

    @property
    def size(self) -> int:
        """How many hosts there are."""
        return len(self.all)

    @property
    def is_first(self) -> bool:
        """Whether this host is the one that writes the model."""
        return self.rank == 0
