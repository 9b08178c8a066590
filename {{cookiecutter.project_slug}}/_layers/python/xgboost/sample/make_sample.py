"""Make the sample data: customers of an invented bank, some of whom open a deposit.

Run it as `python sample/make_sample.py`; the same seed gives the same files.
"""

import csv
import math
import random
from pathlib import Path


def customer(rng: random.Random) -> list[object]:
    """Return one row, the label first. Who never was called has no days since then, and some do not tell their balance.

    The young and the old, the well-off and those without loans open most deposits; many calls do not help.
    """
    age = min(92, max(18, round(rng.gauss(42, 14))))
    balance = round(rng.lognormvariate(7, 1.2) - 400, 2)
    housing, personal = int(rng.random() < 0.55), int(rng.random() < 0.17)
    contacts = min(12, 1 + int(rng.expovariate(1 / 1.8)))
    days = rng.randint(5, 400) if rng.random() < 0.4 else None
    score = -1 + 0.0016 * (age - 42) ** 2 + 0.75 * math.tanh(balance / 2000) - 0.9 * housing - 0.6 * personal
    score += -0.2 * (contacts - 1) + (1.2 - days / 250 if days else 0)
    deposit = int(rng.random() < 1 / (1 + math.exp(-2.5 * score)))
    return [deposit, age, "" if rng.random() < 0.05 else balance, housing, personal, contacts, days or ""]


def main() -> None:
    """Write train/ and validation/ beside this file."""
    rng = random.Random(2026)
    for channel, rows in {"train": 2000, "validation": 500}.items():
        path = Path(__file__).parent / channel / "customers.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(customer(rng) for _ in range(rows))


if __name__ == "__main__":
    main()
