"""Make the sample data: the electricity demand of an invented town against the outdoor temperature.

Heating raises it when it is cold, cooling when it is hot: a line with two bends, and noise around it.
Run it as `python sample/make_sample.py`; the same seed gives the same files.
"""

import random
from pathlib import Path

ROWS = {"train": 3000, "validation": 600}
BENDS = (13.0, 22.0)  # °C where heating ends and cooling begins
BASE, HEATING, COOLING = 41.0, 1.4, 2.1  # MW, and MW for each °C
NOISE = 2.5  # MW


def demand(temperature: float) -> float:
    """Return the demand without noise, in MW, at a temperature in °C."""
    return BASE + HEATING * max(0.0, BENDS[0] - temperature) + COOLING * max(0.0, temperature - BENDS[1])


def main() -> None:
    """Write train/ and validation/ beside this file: demand in MW, temperature in °C, no header."""
    rng = random.Random(2026)
    for channel, rows in ROWS.items():
        path = Path(__file__).parent / channel / "demand.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="\n") as file:
            for _ in range(rows):
                temperature = round(rng.uniform(-10.0, 38.0), 1)
                file.write(f"{rng.gauss(demand(temperature), NOISE):.2f},{temperature}\n")


if __name__ == "__main__":
    main()
