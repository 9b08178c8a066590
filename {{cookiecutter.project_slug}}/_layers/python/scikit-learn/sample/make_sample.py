"""Make the sample data: customers of an invented company, some of whom cancel.

Run it as `python sample/make_sample.py`; the same seed gives the same files.
"""

import csv
import math
import random
from pathlib import Path

HEADER = ["cancelled", "tenure_months", "monthly_charge", "support_calls", "contract", "payment"]
CONTRACTS = {"monthly": 0.9, "yearly": -0.6, "two-year": -1.6}
PAYMENTS = {"card": -0.2, "invoice": 0.4, "transfer": 0.0}


def customer(rng: random.Random) -> list[object]:
    """Return one row. New customers with monthly contracts, high charges and many calls cancel most."""
    tenure = min(72, int(rng.expovariate(1 / 24)) + 1)
    charge = round(rng.gauss(62, 22), 2)
    calls = min(9, int(rng.expovariate(1 / 1.3)))
    contract = rng.choices(list(CONTRACTS), weights=[5, 3, 2])[0]
    payment = rng.choice(list(PAYMENTS))
    score = -0.9 - 0.03 * tenure + 0.015 * charge + 0.45 * calls + CONTRACTS[contract] + PAYMENTS[payment]
    cancelled = "yes" if rng.random() < 1 / (1 + math.exp(-score)) else "no"
    values = [tenure, charge, calls, contract, payment]
    return [cancelled, *("" if rng.random() < 0.04 else value for value in values)]


def main() -> None:
    """Write train/ and validation/ beside this file."""
    rng = random.Random(2026)
    for channel, rows in {"train": 450, "validation": 150}.items():
        path = Path(__file__).parent / channel / "customers.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(customer(rng) for _ in range(rows))


if __name__ == "__main__":
    main()
