"""Make the sample data: drawings of circles, squares and crosses. Run it as `python sample/make_sample.py`."""

import random
from pathlib import Path

from PIL import Image, ImageDraw

SHAPES = {
    "circle": lambda draw, box: draw.ellipse(box, outline=255, width=2),
    "square": lambda draw, box: draw.rectangle(box, outline=255, width=2),
    "cross": lambda draw, box: (draw.line(box, 255, 2), draw.line([box[0], box[3], box[2], box[1]], 255, 2)),
}


def drawn(shape, rng):
    """One image, its shape somewhere in the middle."""
    image = Image.new("L", (28, 28))
    left, top, size = rng.randint(2, 8), rng.randint(2, 8), rng.randint(14, 18)
    SHAPES[shape](ImageDraw.Draw(image), [left, top, left + size, top + size])
    return image


if __name__ == "__main__":
    rng = random.Random(28)
    for shape in SHAPES:
        folder = Path(__file__).parent / "train" / shape
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(16):
            drawn(shape, rng).save(folder / f"{number:02}.png", optimize=True)
    drawn("circle", rng).save(Path(__file__).parent / "circle.png", optimize=True)
