"""Make the sample data: flats of an invented town, and their rents. Run it as `python sample/make_sample.py`."""

import csv
import random
from pathlib import Path

HEADER = ["rent", "area", "rooms", "floor", "year_built", "km_to_centre"]


def flat(rng):
    """One row; here and there a value is missing."""
    area, floor = round(rng.uniform(25, 140), 1), rng.randint(0, 8)
    rooms, year, distance = max(1, round(area / 28 + rng.gauss(0, 0.5))), rng.randint(1890, 2025), rng.expovariate(0.2)
    rent = 200 + 9 * area - 12 * distance + 40 * (year > 1995) + 5 * floor + rng.gauss(0, 40)
    return [
        round(rent),
        *("" if rng.random() < 0.03 else one for one in (area, rooms, floor, year, round(distance, 2))),
    ]


if __name__ == "__main__":
    rng = random.Random(2026)
    for channel, rows in {"train": 400, "validation": 100}.items():
        path = Path(__file__).parent / channel / "flats.csv"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([HEADER, *(flat(rng) for _ in range(rows))])
