"""Make the sample data: passengers of an invented ship. Run it as `python sample/make_sample.py`."""

import csv
import math
import random
from pathlib import Path

HEADER = [
    *("PassengerId", "Survived", "Pclass", "Name", "Sex", "Age", "SibSp", "Parch", "Ticket", "Fare", "Cabin"),
    "Embarked",
]


def passenger(number, rng):
    """One row; ages are often missing, and names have commas and quotes."""
    pclass, sex, age = rng.choices([1, 2, 3], [1, 1, 2])[0], rng.choice(["male", "female"]), rng.gauss(30, 13)
    siblings, parents = rng.choices([0, 1, 2], [6, 3, 1])[0], rng.choices([0, 1, 2], [7, 2, 1])[0]
    survives = rng.random() < 1 / (1 + math.exp(1.2 * pclass - 2.6 * (sex == "female") - 0.4 + 0.02 * age))
    title = "Mr." if sex == "male" else "Miss."
    name = f'Passenger, {title} No. {number} "of the {rng.choice(["north", "south"])}"'
    fare = round(math.exp(rng.gauss(4.6 - 0.9 * pclass, 0.5)), 4)
    age = "" if rng.random() < 0.2 else f"{max(0.5, age):.1f}"
    return [
        *(number, int(survives), pclass, name, sex, age, siblings, parents, f"A/5 {21000 + number}", fare),
        *("" if pclass > 1 else f"C{number}", "" if rng.random() < 0.01 else rng.choice("SSSCQ")),
    ]


if __name__ == "__main__":
    rng = random.Random(1912)
    path = Path(__file__).parent / "train/passengers.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *(passenger(number, rng) for number in range(1, 401))])
