"""A drawing of data and predictions for algorithms with one feature: [plot] in sample.toml says which columns."""

import csv
import math
import random
from html import escape
from pathlib import Path
from typing import Any

from .archive import files
from .errors import SetupError
from .sample import Column, Plot

STEPS = 200  # from the smallest to the largest x, with a prediction at each
MOST_POINTS = 1500
WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 12, 15, 30, 50  # the margins, which hold ticks and labels
DIGIT = 8  # what the left margin has for each character of a number
MOST_TICKS = 8  # on an axis

Points = list[tuple[float, float]]


def read_points(folder: Path, plot: Plot) -> Points:
    """Return x and y of the rows in a channel's CSV files; rows where one of them is no number are left out.

    Raises SetupError when that leaves nothing to draw.
    """
    points = []
    for file in files(folder):
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream) if isinstance(plot.x, str) else csv.reader(stream)
            for row in rows:
                x, y = (number(cell(row, column)) for column in (plot.x, plot.y))
                if x is not None and y is not None:
                    points.append((x, y))
    if not points:
        raise SetupError(f"[plot] in sample.toml: no row in {folder} has numbers in the columns {plot.x} and {plot.y}")
    return points


def cell(row: Any, column: Column) -> str:
    """Return the text in a column of a row, a list or a dict; nothing if the row has no such column."""
    try:
        return row[column] or ""
    except LookupError:
        return ""


def number(text: str) -> float | None:
    """Return a text as a finite number, None if it is not one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def places(points: Points) -> list[float]:
    """Return evenly spaced x from the smallest to the largest of the points."""
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    return [low + (high - low) * number / STEPS for number in range(STEPS + 1)]


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers from `low` to `high`: multiples of 1, 2 or 5 times a power of ten."""
    least = (high - low) / MOST_TICKS
    power = 10 ** math.floor(math.log10(least))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= least)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


class Axis:
    """Places numbers between two edges of the drawing."""

    def __init__(self, values: list[float], start: float, end: float):
        low, high = min(values), max(values)
        spare = (high - low) * 0.04 or abs(low) * 0.1 or 1.0
        self.low, self.high, self.start, self.end = low - spare, high + spare, start, end

    def place(self, value: float) -> float:
        """Return the coordinate of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the round numbers on the axis, as (coordinate, text)."""
        return [(self.place(value), f"{value:,.10g}") for value in ticks(self.low, self.high)]


def drawing(points: Points, line: Points, plot: Plot) -> str:
    """Return an SVG of the points and the line, as a figure; report.html has the colours."""
    shown = points if len(points) <= MOST_POINTS else random.Random(0).sample(points, MOST_POINTS)
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    up = Axis([y for _, y in points + line], bottom, TOP)
    left = LEFT + DIGIT * max(len(text) for _, text in up.ticks())
    across = Axis([x for x, _ in points + line], left, right)
    x_label, y_label = escape(plot.x_label or str(plot.x)), escape(plot.y_label or str(plot.y))
    parts = [
        f'<text x="0" y="13">{y_label}</text>',
        f'<text x="{(left + right) / 2:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{x_label}</text>',
        f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>',
    ]
    for place, text in up.ticks():
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{place:.1f}" y2="{place:.1f}"/>')
        parts.append(f'<text x="{left - 8}" y="{place + 4:.1f}" text-anchor="end">{text}</text>')
    for place, text in across.ticks():
        parts.append(f'<line class="axis" x1="{place:.1f}" x2="{place:.1f}" y1="{bottom}" y2="{bottom + 5}"/>')
        parts.append(f'<text x="{place:.1f}" y="{bottom + 20}" text-anchor="middle">{text}</text>')
    parts += [f'<circle cx="{across.place(x):.1f}" cy="{up.place(y):.1f}" r="3.5"/>' for x, y in shown]
    path = " ".join(f"{across.place(x):.1f},{up.place(y):.1f}" for x, y in line)
    parts.append(f'<polyline points="{path}"/>')
    some = f"{len(shown):,} of " if len(shown) < len(points) else ""
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{y_label} along {x_label}">\n'
        + "\n".join(parts)
        + f'\n</svg><figcaption><i class="dot"></i>{some}{len(points):,} rows of the channel {escape(plot.channel)}'
        '<i class="dash"></i>predictions of the model</figcaption></figure>'
    )
