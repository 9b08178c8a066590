"""A training job: from the channels to the model, with checkpoints, metrics, and a word when it fails."""

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import job
import line
import star

REASON = 1024  # characters of the failure file that SageMaker shows (T32)


class Stop:
    """The wish to end early, which SageMaker expresses by SIGTERM (T4)."""

    asked = False

    def __init__(self):
        signal.signal(signal.SIGTERM, self.ask)

    def ask(self, *_) -> None:
        """Note it, for the loop to see."""
        self.asked = True


def main() -> int:
    """Run the job; return its exit code (T33)."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped before the training began"))
    try:
        run()
    except Exception as error:
        traceback.print_exc()
        explain(error)
        return 1
    return 0


def explain(error: Exception) -> None:
    """Say in /opt/ml/output/failure what went wrong, the message first (T32)."""
    reason = f"{type(error).__name__}: {error}\n\n{traceback.format_exc()}"
    (job.ML / "output").mkdir(exist_ok=True)
    (job.ML / "output/failure").write_text(reason[:REASON], encoding="utf-8")


def run() -> None:
    """Train until the last epoch is done or somebody wants it to stop, and save the model."""
    chosen, hosts, channels = job.hyperparameters(), job.hosts(), job.channels()
    points = share_of(channel(channels, "train"), hosts)
    validation = line.read_points(channels["validation"].folder) if "validation" in channels else []
    with star.joined(hosts) as ring:
        (count,) = ring.add([len(points)])
        if not count:
            raise ValueError("there are no rows in the channel 'train'")
        stop = Stop()
        done, model, velocity = restored() or (0, (0.0, 0.0), (0.0, 0.0))
        for epoch in range(done + 1, chosen["epochs"] + 1):
            *gradient, error, stopping = ring.add([*line.sums(model, points), stop.asked])
            model, velocity = line.step(model, velocity, [total / count for total in gradient], chosen)
            if hosts.is_first:
                report(epoch, error / count, model, validation)
                checkpoint(epoch, model, velocity)
            if stopping:
                break
            time.sleep(chosen["pause"])
    save(model, hosts)


def save(model: line.Line, hosts: job.Hosts) -> None:
    """Write the model, on one host only: SageMaker lays the folders of all over one another (T31)."""
    if hosts.is_first:
        line.save(model, job.ML / "model")


def channel(channels: dict[str, job.Channel], name: str) -> job.Channel:
    """Return a channel. Raises ValueError where the job has none of that name."""
    if name not in channels:
        raise ValueError(f"there is no channel '{name}', only: {', '.join(channels) or 'none'}")
    return channels[name]


def share_of(channel: job.Channel, hosts: job.Hosts) -> line.Points:
    """Return this host's share of the points: every n-th, or all that it has where SageMaker has shared the files."""
    if channel.content_type.partition(";")[0] != "text/csv":
        raise ValueError(f"the channel '{channel.name}' is {channel.content_type}, not text/csv")
    points = line.read_points(channel.folder)
    return points if channel.sharded else points[hosts.rank :: len(hosts.names)]


def report(epoch: int, error: float, model: line.Line, validation: line.Points) -> None:
    """Print the metrics of an epoch, at once (T38)."""
    print(f"epoch={epoch} train:mse={error:.9g}", flush=True)
    if validation:
        print(f"epoch={epoch} validation:mse={line.sums(model, validation)[-1] / len(validation):.9g}", flush=True)


def checkpoint_file() -> Path:
    """Return where the checkpoint lies, which SageMaker keeps and restores (T34)."""
    return job.ML / "checkpoints/checkpoint.json"


def checkpoint(epoch: int, model: line.Line, velocity: line.Line) -> None:
    """Write all that the training depends on, under another name first: a kill may come at any time (T36)."""
    file = checkpoint_file()
    file.parent.mkdir(exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps([epoch, model, velocity]), encoding="utf-8")
    os.replace(unfinished, file)


def restored() -> tuple[int, line.Line, line.Line] | None:
    """Return the epochs that are done, the model and its velocity from a checkpoint; None where there is none."""
    file = checkpoint_file()
    if not file.exists():
        return None
    epoch, model, velocity = json.loads(file.read_text(encoding="utf-8"))
    print(f"resuming from checkpoint of epoch {epoch}", flush=True)
    return epoch, model, velocity
