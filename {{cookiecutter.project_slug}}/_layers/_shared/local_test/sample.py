"""Reads sample.toml: what local_test sends to the algorithm and what it expects back."""

import difflib
import tomllib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .archive import files
from .errors import SetupError

Column = int | str  # its position from 0, or its name in the header

FOLDER = Path(__file__).resolve().parent.parent / "sample"
# Of a file that is sent, by the ending of its name.
CONTENT_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".npy": "application/x-npy",
}
ONE_RECORD_PER_LINE = ("text/csv", "application/jsonlines", "application/x-jsonlines")


@dataclass(frozen=True)
class Request:
    """A request for /invocations, with the answer that is expected (None: any answer).

    With `header` the first line of its body names the columns, and is no record.
    """

    content_type: str
    body: bytes
    accept: str = "*/*"
    answer: bytes | None = None
    tolerance: float = 1e-6
    header: bool = False

    @property
    def lines(self) -> list[str]:
        """The records of the body when its format is one record per line, else nothing."""
        return self.body.decode().splitlines()[self.header :] if self.content_type in ONE_RECORD_PER_LINE else []


@dataclass(frozen=True)
class Processing:
    """A Processing job: its ContainerEntrypoint (PR1), whose script lies in processing/.

    `outputs` is file name -> expected content of what it writes (empty: any file will do).
    """

    entrypoint: list[str]
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plot:
    """What the report draws: two columns of a channel's CSV files, and the predictions of the model along `x`.

    For algorithms with one feature, which is `x`; `y` is what they predict.
    """

    channel: str
    x: Column
    y: Column
    x_label: str | None = None
    y_label: str | None = None


@dataclass(frozen=True)
class Sample:
    """The sample job and the sample requests. Hyperparameters are TOML values, not yet SageMaker's strings.

    `channels` is name -> ContentType; the files of a channel lie in `folder`/<name>. Without any nothing is trained.
    `metrics` are SageMaker's MetricDefinitions (T38); `hosts_tolerance` is how far a prediction of the model that was
    trained on several hosts may be from that of the model that was trained on one. `slow_request` is one that takes
    its time; None: a request with one record per line, with many lines.
    """

    folder: Path
    requests: tuple[Request, ...]
    channels: dict[str, str] = field(default_factory=dict)
    hyperparameters: dict = field(default_factory=dict)
    invalid_hyperparameters: dict | None = None
    long_hyperparameters: dict | None = None
    resumed_hyperparameters: dict | None = None
    checkpoints: bool = False
    metrics: tuple[dict, ...] = ()
    hosts_tolerance: float = 1e-6
    processing: Processing | None = None
    plot: Plot | None = None
    slow_request: Request | None = None

    @property
    def channel_folders(self) -> dict[str, Path]:
        """Channel name -> folder with its files."""
        return {name: self.folder / name for name in self.channels}

    @property
    def model(self) -> Path | None:
        """The folder with the model to serve; None: the one that the training leaves. A channel may be called model."""
        folder = self.folder / "model"
        return folder if folder.is_dir() and "model" not in self.channels else None

    def request(self, file: str = "", content_type: str = "", accept: str = "") -> Request:
        """Return a request with the content of a file, without one the first of the sample.

        By default its type is that of the file's name, else that of the first request, as what it accepts is. Raises
        SetupError where the file cannot be read.
        """
        first = self.requests[0]
        try:
            body = Path(file).read_bytes() if file else first.body
        except OSError as error:
            raise SetupError(f"{file} cannot be read: {error.strerror}") from None
        by_name = CONTENT_TYPES.get(Path(file).suffix.lower(), first.content_type)
        return Request(content_type or by_name, body, accept or first.accept)

    def in_lines(self) -> list[Request]:
        """Return a request of each format that has one record per line."""
        return list({request.content_type: request for request in self.requests if request.lines}.values())

    def line_request(self) -> Request | None:
        """Return the first request whose format is one record per line."""
        return next((request for request in self.requests if request.lines), None)


def names(kind: type) -> set[str]:
    """Return the names of a dataclass's fields."""
    return {one.name for one in fields(kind)}


OF_REQUEST = names(Request) | {"body_file", "answer_file"}
SECTIONS = {
    "training": names(Sample) - {"folder", "requests", "processing", "plot", "slow_request"},
    "requests": OF_REQUEST,
    "serving": {"slow_request"},
    "processing": names(Processing),
    "plot": names(Plot),
}


def unknown_keys(content: dict) -> Iterator[str]:
    """Yield a sentence for each section and each key that sample.toml cannot have."""
    yield from unknown("section", content, SECTIONS, "sample.toml")
    for section, known in SECTIONS.items():
        parts = content.get(section, {})
        for one in parts if isinstance(parts, list) else [parts]:
            yield from unknown("key", one, known, f"[{section}]")
    yield from unknown("key", content.get("serving", {}).get("slow_request", {}), OF_REQUEST, "slow_request")


def unknown(what: str, given: Iterable[str], known: Collection[str], place: str) -> Iterator[str]:
    """Yield a sentence for each name that is not known."""
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            yield f"the {what} '{name}' of {place} is unknown: {hint}{place} has {', '.join(sorted(known))}"


def load(folder: Path = FOLDER) -> Sample:
    """Read the sample in a folder. Raises SetupError with a sentence when something of it is missing or wrong."""
    file = folder / "sample.toml"
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise SetupError(
            f"{file} is missing. It says what to send to the algorithm; write one with [training] channels and one "
            f"[[requests]] (content_type, body), and put the channels' files into {folder}/<channel>/."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{file} is not valid TOML: {error}") from None
    try:
        if problems := dict.fromkeys(unknown_keys(content)):
            raise SetupError(f"{file}: " + "\n".join(problems))
        requests = tuple(read_request(folder, **request) for request in content.get("requests", []))
        processing = Processing(**content["processing"]) if "processing" in content else None
        plot = Plot(**content["plot"]) if "plot" in content else None
        slow = content.get("serving", {}).get("slow_request")
        slow_request = None if slow is None else read_request(folder, **slow)
        training = content.get("training", {})
        sample = Sample(folder, requests, processing=processing, plot=plot, slow_request=slow_request, **training)
    except (TypeError, ValueError) as error:
        # "__init__() got an unexpected keyword argument 'x'" says it, but in Python's words.
        reason = str(error).split("() ", 1)[-1].replace("keyword argument", "key")
        raise SetupError(f"{file}: {reason}") from None
    if not sample.requests or not isinstance(sample.channels, dict) or not (sample.channels or sample.model):
        raise SetupError(
            f'{file} needs [training] channels = {{ name = "content/type" }} and one [[requests]]. For an image that '
            f"only serves, put the model into {folder / 'model'} instead"
        )
    for name, channel in sample.channel_folders.items():
        if not any(not path.name.startswith(".") for path in files(channel)):
            raise SetupError(
                f"{file} has a channel '{name}', but there are no files in {channel}. Put a little of your data there; "
                "if it was there once, a .gitignore may keep it out of the repository: "
                f"git check-ignore --verbose {channel}/*"
            )
    if plot and (plot.channel not in sample.channels or type(plot.x) is not type(plot.y)):
        raise SetupError(f"{file}: [plot] needs the channel's name, and x and y: both positions, or both names")
    return sample


def read_request(
    folder: Path, *, content_type: str, body_file: str | None = None, answer_file: str | None = None, **more: Any
) -> Request:
    """Return a request of sample.toml. Raises ValueError or TypeError for what it may not have."""
    body = read_content(folder, "body", more.pop("body", None), body_file)
    if not body:
        raise ValueError(f"a request of type {content_type} needs a body, or a body_file that is not empty")
    answer = read_content(folder, "answer", more.pop("answer", None), answer_file)
    return Request(content_type, body, answer=answer, **more)


def read_content(folder: Path, key: str, text: str | None, file: str | None) -> bytes | None:
    """Return what a request gives as text or, for binary content, as the name of a file in the sample's folder."""
    if text is not None and file is not None:
        raise ValueError(f"a request has {key} and {key}_file: use one of them")
    if file is None:
        return None if text is None else text.encode()
    try:
        return (folder / file).read_bytes()
    except OSError as error:
        raise ValueError(f"{key}_file = {file!r} cannot be read: {error.strerror}") from None
