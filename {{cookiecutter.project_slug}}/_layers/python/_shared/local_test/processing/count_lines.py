"""A script for a SageMaker Processing job, which runs in the same image: counts the lines of each input file."""

import csv
from pathlib import Path

import numpy as np

PROCESSING = Path("/opt/ml/processing")

files = sorted(file for file in (PROCESSING / "input" / "data").rglob("*") if file.is_file())
counts = np.array([len(file.read_text().splitlines()) for file in files])
with (PROCESSING / "output" / "lines.csv").open("w", newline="") as output:
    csv.writer(output, lineterminator="\n").writerows(zip([file.name for file in files], counts, strict=True))
print(f"{counts.sum()} lines in {len(files)} files")
