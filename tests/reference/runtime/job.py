"""What SageMaker tells a training job: the files in /opt/ml/input/config, and the channels beside them."""

import ast
import json
import os
from dataclasses import dataclass
from pathlib import Path

ML = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))

# The hyperparameters, with the values of those that a job does not give.
DEFAULTS = {"epochs": 40, "learning_rate": 0.5, "intercept": True, "descent": "momentum", "pause": 0.0}
DESCENTS = ("momentum", "plain")


@dataclass(frozen=True)
class Hosts:
    """The hosts of the job: the name of this one, and those of all, in SageMaker's order (T16)."""

    current: str
    names: list[str]

    @property
    def rank(self) -> int:
        """The number of this host, from 0."""
        return self.names.index(self.current)

    @property
    def is_first(self) -> bool:
        """True on the host that writes the model."""
        return self.rank == 0


@dataclass(frozen=True)
class Channel:
    """A channel of input data; `sharded` says that the other hosts have different files (T29)."""

    name: str
    folder: Path
    content_type: str
    sharded: bool


def config(name: str) -> dict:
    """Return the content of a file in /opt/ml/input/config. Others may lie beside it (T18)."""
    return json.loads((ML / "input/config" / name).read_text(encoding="utf-8"))


def hosts() -> Hosts:
    """Return the hosts of the job."""
    found = config("resourceconfig.json")
    return Hosts(found["current_host"], found["hosts"])


def channels() -> dict[str, Channel]:
    """Return the job's channels by name (T14)."""
    return {
        name: Channel(
            name,
            ML / "input/data" / name,
            found.get("ContentType", "text/csv"),
            found.get("S3DistributionType") == "ShardedByS3Key",
        )
        for name, found in config("inputdataconfig.json").items()
    }


def hyperparameters() -> dict:
    """Return all hyperparameters, each of the type of its default. Raises ValueError for what cannot be used."""
    given = {name: text for name, text in config("hyperparameters.json").items() if not ours_not(name)}
    if unknown := given.keys() - DEFAULTS.keys():
        raise ValueError(f"unknown hyperparameters: {', '.join(sorted(unknown))}")
    values = DEFAULTS | {name: typed(name, decoded(text)) for name, text in given.items()}
    if values["descent"] not in DESCENTS:
        raise ValueError(f"descent is {values['descent']!r}, not one of {', '.join(DESCENTS)}")
    return values


def ours_not(name: str) -> bool:
    """Return True for hyperparameters that SageMaker adds for itself (T39, T49)."""
    return name.startswith(("_", "sagemaker_"))


def decoded(text: str) -> object:
    """Return a value that was sent as JSON, as Python's str() or as a bare string (T13)."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError):
            continue
    return text


def typed(name: str, value: object) -> object:
    """Return a hyperparameter's value; a whole number will do for a float. Raises ValueError for another type."""
    wanted = type(DEFAULTS[name])
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise ValueError(f"the hyperparameter {name} is {value!r}, but must be of type {wanted.__name__}")
    return value
