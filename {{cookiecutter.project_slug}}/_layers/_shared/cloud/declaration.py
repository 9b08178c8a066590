"""What the algorithm declares: hyperparameters, channels, metrics, content types, as its image's label has it."""

import difflib
import json
from dataclasses import dataclass, field
from typing import Any

from .errors import CloudError

LABEL = "sm-algo.describe"  # that of the image (see label.sh)
LIMITLESS = 2**31 - 1  # or beyond: the algorithm declares no limit, where a range must have one


@dataclass(frozen=True)
class Declaration:
    """What `describe` prints: `hyperparameters` is name -> HyperParameterSpecification."""

    hyperparameters: dict[str, dict] = field(default_factory=dict)
    metrics: list[dict] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)
    accepts: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> "Declaration":
        """Read what `describe` has printed."""
        content = json.loads(text)
        return cls(
            {one["Name"]: one for one in content["SupportedHyperParameters"]},
            content["MetricDefinitions"],
            content["SupportedContentTypes"],
            content["SupportedResponseMIMETypes"],
        )

    def check(self, hyperparameters: dict[str, Any]) -> None:
        """Raise CloudError, a line for each mistake, for what a training job would refuse."""
        wrong = [problem for name, value in hyperparameters.items() if (problem := self._problem(name, value))]
        missing = [
            f"hyperparameter '{name}' is missing: the algorithm in the image has no default for it"
            for name, one in self.hyperparameters.items()
            if one["IsRequired"] and name not in hyperparameters
        ]
        if wrong or missing:
            raise CloudError("; ".join(wrong + missing))

    def tunable(self, name: str, wanted: dict[str, Any]) -> str:
        """Return the type of a hyperparameter to search for: Integer, Continuous or Categorical.

        Raises CloudError where it is unknown, of another type, or would leave the declared range.
        """
        for value in [wanted[key] for key in ("min", "max") if key in wanted] + wanted.get("values", []):
            if problem := self._problem(name, value):
                raise CloudError(f"tune.ranges: {problem}")
        kind = self.hyperparameters[name]["Type"]
        if "values" not in wanted and kind not in ("Integer", "Continuous"):
            raise CloudError(f"tune.ranges.{name}: it is not a number: give it values instead of min and max")
        return kind

    def _problem(self, name: str, value: Any) -> str | None:
        if name not in self.hyperparameters:
            close = difflib.get_close_matches(name, self.hyperparameters, n=1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            known = ", ".join(self.hyperparameters)
            return f"hyperparameter '{name}' is unknown: {hint}the algorithm in the image has {known}"
        one = self.hyperparameters[name]
        limits = one.get("Range", {}).get(f"{one['Type']}ParameterRangeSpecification")
        if not limits or value is None:
            return None
        if "Values" in limits:
            wrong, expected = as_text(value) not in limits["Values"], f"one of {', '.join(limits['Values'])}"
        else:
            wrong, expected = _outside(one["Type"], limits, value)
        return f"hyperparameter '{name}' is {as_text(value)}: expected {expected}" if wrong else None


def _outside(kind: str, limits: dict[str, str], value: Any) -> tuple[bool, str]:
    """Return whether a value is outside a range of numbers, and the words for what is inside."""
    what = "a whole number" if kind == "Integer" else "a number"
    lowest, highest = float(limits["MinValue"]), float(limits["MaxValue"])
    bounds = []
    if abs(lowest) < LIMITLESS:
        bounds.append(f"{limits['MinValue']} or more")
    if abs(highest) < LIMITLESS:
        bounds.append(f"{limits['MaxValue']} or less")
    expected = " ".join([what, *(["of", " and ".join(bounds)] if bounds else [])])
    try:
        number = float(as_text(value))
    except ValueError:
        return True, expected
    below = abs(lowest) < LIMITLESS and number < lowest
    above = abs(highest) < LIMITLESS and number > highest
    return below or above or (kind == "Integer" and not number.is_integer()), expected


def as_text(value: Any) -> str:
    """Return a hyperparameter as SageMaker passes it on: JSON, but texts as they are (T13)."""
    return value if isinstance(value, str) else json.dumps(value)
