"""Make the sample data: two clubs whose members know each other. Run it as `python sample/make_sample.py`."""

import random
from pathlib import Path

if __name__ == "__main__":
    rng = random.Random(34)
    folder = Path(__file__).parent / "train"
    folder.mkdir(exist_ok=True)
    clubs = {f"m{number}": rng.choice(["chess", "tennis"]) for number in range(60)}
    nodes = [f"{name},{rng.gauss(club == 'chess', 1):.3f},{rng.gauss(0, 1):.3f},{club}" for name, club in clubs.items()]
    pairs = [(one, other) for one in clubs for other in clubs if one < other]
    edges = [f"{one},{other}" for one, other in pairs if rng.random() < (0.15 if clubs[one] == clubs[other] else 0.01)]
    (folder / "nodes.csv").write_text("\n".join(["id,age,income,class", *nodes, ""]))
    (folder / "edges.csv").write_text("\n".join(["source,target", *edges, ""]))
