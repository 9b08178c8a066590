"""Metrics: lines that SageMaker reads from the log (contract T38)."""

from collections.abc import Mapping


def report(values: Mapping[str, float]) -> None:
    r"""Print metrics on one line as `name=value`, where CloudWatch and tuning jobs find them.

    report({"train:rmse": 0.3}) prints `train:rmse=0.3`, which the regular expression `train:rmse=(\S+)` captures.
    """
    line = " ".join(f"{name}={float(value):.10g}" for name, value in values.items())
    # In one write, so that no output of a signal handler or of another process comes between.
    print(f"{line}\n", end="", flush=True)
