"""Reads sample.toml: what local_test sends to the algorithm and what it expects back."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from .errors import SetupError

Column = int | str  # its position from 0, or its name in the header

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Request:
    """A request for /invocations, with the answer that is expected (None: any answer)."""

    content_type: str
    body: str
    accept: str = "*/*"
    answer: str | None = None
    tolerance: float = 1e-6

    @property
    def lines(self) -> list[str]:
        """The records of the body when its format is one record per line, else nothing."""
        one_per_line = self.content_type in ("text/csv", "application/jsonlines", "application/x-jsonlines")
        return self.body.splitlines() if one_per_line else []


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

    `channels` is name -> ContentType; the files of a channel lie in `folder`/<name>.
    `metrics` are SageMaker's MetricDefinitions (T38); `hosts_tolerance` is how far a prediction of the model that was
    trained on several hosts may be from that of the model that was trained on one; `processing` is the
    ContainerEntrypoint of a Processing job (PR1), whose script lies in local_test/processing.
    """

    folder: Path
    requests: tuple[Request, ...]
    channels: dict[str, str]
    hyperparameters: dict = field(default_factory=dict)
    invalid_hyperparameters: dict | None = None
    long_hyperparameters: dict | None = None
    resumed_hyperparameters: dict | None = None
    checkpoints: bool = False
    metrics: tuple[dict, ...] = ()
    hosts_tolerance: float = 1e-6
    processing: tuple[str, ...] = ()
    plot: Plot | None = None

    def channel_folders(self) -> dict[str, Path]:
        """Return channel name -> folder with its files. Raises SetupError when one is missing or empty."""
        folders = {name: self.folder / name for name in self.channels}
        for name, folder in folders.items():
            if not folder.is_dir() or not any(folder.iterdir()):
                raise SetupError(f"sample.toml has a channel '{name}', but there are no files in {folder}")
        return folders

    def line_request(self) -> Request | None:
        """Return the first request whose format is one record per line."""
        return next((request for request in self.requests if request.lines), None)


def load(file: Path = HERE / "sample.toml") -> Sample:
    """Read sample.toml. Raises SetupError with a sentence when it is missing or wrong."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SetupError(
            f"{file} is missing. It says what to send to the algorithm; write one with [training] channels and "
            "one [[requests]] (content_type, body), and put the channels' files into local_test/sample/<channel>/."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{file} is not valid TOML: {error}") from None
    try:
        requests = tuple(Request(**request) for request in content.get("requests", []))
        metrics = tuple(content.get("training", {}).pop("metrics", ()))
        processing = tuple(content.get("processing", {}).get("entrypoint", ()))
        plot = Plot(**content["plot"]) if "plot" in content else None
        training = content.get("training", {})
        sample = Sample(file.parent / "sample", requests, metrics=metrics, processing=processing, plot=plot, **training)
    except TypeError as error:
        # "__init__() got an unexpected keyword argument 'x'" says it, but in Python's words.
        reason = str(error).split("() ", 1)[-1].replace("keyword argument", "key")
        raise SetupError(f"{file}: {reason}") from None
    if not sample.requests or not isinstance(sample.channels, dict) or not sample.channels:
        raise SetupError(f'{file} needs [training] channels = {{ name = "content/type" }} and one [[requests]]')
    if plot and (plot.channel not in sample.channels or type(plot.x) is not type(plot.y)):
        raise SetupError(f"{file}: [plot] needs the channel's name, and x and y: both positions, or both names")
    return sample
