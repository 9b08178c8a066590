"""What a Processing job does with the sample: it describes the points, which the image's own module reads."""

from pathlib import Path

from line import read_points

DATA = Path("/opt/ml/processing/input/data")
OUTPUT = Path("/opt/ml/processing/output")

points = read_points(DATA / "train")
(OUTPUT / "points.csv").write_text(f"rows,{len(points)}\n")
