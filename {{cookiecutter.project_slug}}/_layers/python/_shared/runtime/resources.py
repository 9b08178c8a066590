"""The CPUs and GPUs that this container may use (contract I21, T9).

Several containers can share an instance, so the cgroup's quota counts, not the number of the instance's CPUs.
"""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "POLARS_MAX_THREADS",
)


def cpu_quota(cgroup: Path = CGROUP) -> float:
    """Return the CPUs that the cgroup grants (version 2 or 1), infinite where it sets no limit."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return math.inf
    if quota in ("max", "-1"):
        return math.inf
    return int(quota) / int(period)


def cpu_count() -> int:
    """Return the CPUs of this container, at least 1: those it may be scheduled on, cut to its quota."""
    try:
        available = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        available = os.cpu_count() or 1
    return max(1, min(available, math.ceil(min(cpu_quota(), available))))


def gpu_count() -> int:
    """Return the NVIDIA GPUs that the container was given."""
    try:
        return sum(name.startswith("nvidia") and name[6:].isdigit() for name in os.listdir("/dev"))
    except OSError:
        return 0


def limit_threads(count: int) -> None:
    """Let numeric libraries use `count` threads; call it before they are imported.

    Otherwise they would start one for each CPU of the instance. Variables that the user has set are left alone, and
    OMP_NUM_THREADS holds for all: torch heeds MKL_NUM_THREADS before it.
    """
    threads = os.environ.get("OMP_NUM_THREADS", str(count))
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, threads)
