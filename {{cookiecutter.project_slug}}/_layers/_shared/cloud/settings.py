"""sagemaker.toml: where and how this algorithm runs on SageMaker."""

import difflib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from .errors import CloudError

FILE = "sagemaker.toml"
VARIABLE = "CLOUD_"  # CLOUD_TRAIN_INSTANCE_TYPE stands for instance_type under [train]
DEFAULT_INSTANCE = "ml.m5.large"


@dataclass(frozen=True)
class Aws:
    """Whose account, and where."""

    role: str = ""  # the name or the ARN of a role that SageMaker may take
    region: str = ""  # empty: that of the profile
    profile: str = ""
    bucket: str = ""  # empty: sagemaker-REGION-ACCOUNT, which is made when it is missing
    prefix: str = ""  # empty: the project's name
    image: str = ""  # empty: what build_and_push.sh pushes for the commit
    build_role: str = ""  # the name or the ARN of a role that CodeBuild may take, for CODEBUILD=1
    kms_key: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Channel:
    """Training data: `data` is an S3 URI, or a folder of the project, which is uploaded."""

    data: str
    mode: str = "File"
    content_type: str = ""
    sharded: bool = False


@dataclass(frozen=True)
class Train:
    """A training job. Without channels and hyperparameters, those of sample/ are taken."""

    instance_type: str = DEFAULT_INSTANCE
    instance_count: int = 1
    volume_gb: int = 30
    max_hours: float = 24.0
    spot: bool = False
    keep_alive_minutes: int = 0
    isolated: bool = False
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)


@dataclass(frozen=True)
class Scale:
    """How many instances an endpoint has; they follow the requests. `max` 0: always as many."""

    min: int = 1
    max: int = 0
    per_instance: float = 1000.0  # requests a minute


@dataclass(frozen=True)
class Deploy:
    """An endpoint."""

    kind: str = "realtime"  # or serverless, or async
    instance_type: str = DEFAULT_INSTANCE
    instance_count: int = 1
    memory_mb: int = 2048  # of a serverless endpoint
    concurrency: int = 5  # of a serverless endpoint
    async_output: str = ""  # an S3 URI
    scale: Scale = field(default_factory=Scale)  # of a realtime endpoint
    capture: int = 0  # percent of the requests and answers that are kept in S3


@dataclass(frozen=True)
class Batch:
    """A batch transform."""

    data: str = ""  # an S3 URI, or a file or folder of the project, which is uploaded
    content_type: str = "text/csv"
    accept: str = "text/csv"
    output: str = ""  # an S3 URI; empty: below the bucket and the prefix
    instance_type: str = DEFAULT_INSTANCE
    instance_count: int = 1
    strategy: str = "MultiRecord"
    split: str = "Line"
    payload_mb: int = 6
    join: bool = False


@dataclass(frozen=True)
class Tune:
    """A tuning job: `ranges` is hyperparameter -> {min, max, scale} or {values}."""

    objective: str = ""
    direction: str = "Minimize"
    jobs: int = 10
    parallel: int = 2
    strategy: str = "Bayesian"
    ranges: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Register:
    """A version in the model registry."""

    group: str = ""  # empty: the project's name
    approval: str = "PendingManualApproval"


@dataclass(frozen=True)
class Settings:
    """All of sagemaker.toml."""

    aws: Aws = field(default_factory=Aws)
    train: Train = field(default_factory=Train)
    deploy: Deploy = field(default_factory=Deploy)
    batch: Batch = field(default_factory=Batch)
    tune: Tune = field(default_factory=Tune)
    register: Register = field(default_factory=Register)


def load(project: Path, changes: Iterable[str] = (), environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the file, where there is one; the environment wins over it, and `changes` ("train.spot=true") over both.

    Raises CloudError with a sentence for what cannot be read, an unknown key, or a value of another type.
    """
    file = project / FILE
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CloudError(f"{FILE} is not valid TOML: {error}") from None
    for table in fields(Settings):
        for key in fields(_type_of(Settings, table.name)):
            variable = f"{VARIABLE}{table.name}_{key.name}".upper()
            if variable in environment:
                _put(content, [table.name, key.name], environment[variable])
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or "." not in path:
            raise CloudError(f"--set {change}: write it as table.key=value, e.g. train.instance_count=2")
        _put(content, path.split("."), text)
    return _read(Settings, content, "")


def _put(content: dict, path: list[str], text: str) -> None:
    """Set a value, as TOML, or as a text if it is not TOML."""
    *tables, key = path
    for name in tables:
        content = content.setdefault(name, {})
    try:
        content[key] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        content[key] = text


def _type_of(kind: type, name: str) -> Any:
    return get_type_hints(kind)[name]


def _read(kind: type, content: Any, where: str) -> Any:
    """Return a dataclass of a table's content."""
    if not isinstance(content, dict):
        raise CloudError(f"{FILE}: {where or 'it'} must be a table, and is {json.dumps(content)}")
    known = {one.name: one for one in fields(kind)}
    for name in content:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
            raise CloudError(f"{FILE}: {_inside(where, name)} is unknown: {hint}")
    missing = [name for name, one in known.items() if _required(one) and name not in content]
    if missing:
        raise CloudError(f"{FILE}: {_inside(where, missing[0])} is missing")
    return kind(**{name: _value(_type_of(kind, name), value, _inside(where, name)) for name, value in content.items()})


def _value(kind: Any, value: Any, where: str) -> Any:
    """Return a value as its field declares it. Raises CloudError for one of another type."""
    if hasattr(kind, "__dataclass_fields__"):
        return _read(kind, value, where)
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin is dict and isinstance(value, dict):
        return {name: _value(arguments[1], item, _inside(where, name)) for name, item in value.items()}
    if origin is tuple and isinstance(value, list):
        return tuple(_value(arguments[0], item, where) for item in value)
    if kind is float and type(value) is int:
        return float(value)
    if kind is Any or type(value) is kind or isinstance(kind, UnionType):
        return value
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", tuple: "a list"}
    raise CloudError(f"{FILE}: {where} must be {words.get(origin, 'a table')}, and is {json.dumps(value)}")


def _required(one: Any) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
