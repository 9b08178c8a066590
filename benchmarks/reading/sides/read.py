"""Read one file, or decode one body, several times by one library; print median seconds and peak megabytes.

The megabytes are what the first time adds to the process. Arguments: project, library, task, file, times.
"""

import io
import re
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, sys.argv[1])

import numpy as np
import orjson
import polars as pl

from runtime.data import content
from runtime.training.channels import Channel

library, task, file, times = sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5])
FEATURES = {"a": float, "b": str, "c": float, "d": str, "e": str}


def answered(values):
    """Return what a model that returns its first feature answers."""
    return content.encode(values[:, 0], content.CSV if task == "csv body" else content.JSON)


def by_polars(source, **options):
    """Return the numbers by polars, an array of shape (rows, columns)."""
    return pl.read_csv(source, has_header=False, **options).to_numpy(order="c")


def peak():
    """Return the most memory that this process has had, in megabytes."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


ways = {
    ("sm-algo", "numbers"): lambda: Channel("train", file.parent).matrix(),
    ("sm-algo", "texts"): lambda: Channel("train", file.parent).matrix(FEATURES),
    ("sm-algo", "csv body"): lambda: answered(content.decode(body, content.CSV)),
    ("sm-algo", "json body"): lambda: answered(content.decode(body, content.JSON)),
    ("polars", "numbers"): lambda: by_polars(file),
    ("polars", "texts"): lambda: pl.read_csv(file),
    ("numpy", "numbers"): lambda: np.loadtxt(file, delimiter=","),
    ("polars", "csv body"): lambda: by_polars(io.BytesIO(body)),
    ("orjson and numpy", "json body"): lambda: np.array(orjson.loads(body), np.float64),
}
body = file.read_bytes() if task.endswith("body") else b""
pl.DataFrame({"a": [1.0]}).select(pl.all().sum())  # what polars does once
before = peak()
took, added = [], []
for _ in range(times):
    started = time.perf_counter()
    result = ways[library, task]()
    took.append(time.perf_counter() - started)
    added.append(peak() - before)
    del result
print(median(took), added[0])
