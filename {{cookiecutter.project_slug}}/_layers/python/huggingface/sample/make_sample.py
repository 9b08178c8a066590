"""Make the sample data: what customers of an invented shop write, and which department it is for.

Each message has one or two sentences about its matter, and often one that could stand in any. Some customers name the
wrong department. Run it as `python sample/make_sample.py`; the same seed gives the same files.
"""

import csv
import random
from pathlib import Path

ROWS = {"train": 480, "validation": 160}
WRONG = 0.05  # share of the labels
THINGS = ("chair", "lamp", "kettle", "blanket", "table", "mirror", "clock", "shelf")
SENTENCES = {
    "delivery": (
        "where is my {thing}",
        "the parcel with the {thing} has not arrived yet",
        "the tracking number does not work",
        "the courier left the {thing} at the wrong door",
        "when will the {thing} be delivered",
        "the shipment is a week late",
    ),
    "payment": (
        "my card was charged twice for the {thing}",
        "the invoice for the {thing} is wrong",
        "can I pay for the {thing} in two rates",
        "the voucher was not taken off the price",
        "my bank refuses the payment",
        "I need a receipt with the company's address",
    ),
    "return": (
        "the {thing} is broken, I want to send it back",
        "please refund the {thing}",
        "the {thing} has a scratch and should be exchanged",
        "which label do I need to return the {thing}",
        "the {thing} is too large, can I swap it",
        "the {thing} stopped working after a day",
    ),
    "praise": (
        "the {thing} is wonderful",
        "thank you for the friendly help",
        "I love my new {thing}",
        "best {thing} I have ever had",
        "great shop, great {thing}",
        "the {thing} looks even better than on the picture",
    ),
}
ANYWHERE = (
    "I bought the {thing} on Monday",
    "I have been a customer for years",
    "please answer soon",
    "it was a present for my mother",
    "I have written to you before",
)


def message(rng: random.Random, label: str) -> str:
    """Return what a customer with this matter writes."""
    sentences = rng.sample(SENTENCES[label], rng.choice((1, 1, 2)))
    sentences += rng.sample(ANYWHERE, rng.choice((0, 1)))
    rng.shuffle(sentences)
    text = ". ".join(one[0].upper() + one[1:] for one in sentences) + "."
    return text.format(thing=rng.choice(THINGS))


def main() -> None:
    """Write train/ and validation/ beside this file: columns text and label, with a header."""
    rng = random.Random(2026)
    for channel, rows in ROWS.items():
        path = Path(__file__).parent / channel / "messages.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("text", "label"))
            for _ in range(rows):
                matter, other = rng.choice(list(SENTENCES)), rng.choice(list(SENTENCES))
                writer.writerow((message(rng, matter), other if rng.random() < WRONG else matter))


if __name__ == "__main__":
    main()
