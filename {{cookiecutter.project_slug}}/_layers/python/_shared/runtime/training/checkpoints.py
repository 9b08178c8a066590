"""Checkpoints that survive a kill at any instant (contract T34, T36)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "checkpoint-"
UNFINISHED = ".unfinished-"


class Checkpoints:
    """The job's checkpoint folder; SageMaker copies it to S3 while the job runs and back when it restarts.

    A checkpoint is one file: one file is what both a rename on disk and an upload to S3 do wholly or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def latest(self) -> Path | None:
        """The newest whole checkpoint, or None at the first start."""
        if not self.folder.is_dir():
            return None
        for left in self.folder.glob(f"{UNFINISHED}*"):
            left.unlink(missing_ok=True)
        found = sorted(self.folder.glob(f"{PREFIX}*"))
        if not found:
            return None
        print(f"resuming from checkpoint {found[-1].name}", flush=True)
        return found[-1]

    @contextmanager
    def write(self, step: int, suffix: str = "") -> Iterator[Path]:
        """Give the path to write the checkpoint of `step` to; it counts once the block has ended.

            with job.checkpoints.write(step, ".npz") as path:
                numpy.savez(path, ...)

        Older checkpoints are deleted then. Raises OSError where the disk is full; the older one stays.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{PREFIX}{step:012d}{suffix}"
        unfinished = self.folder / f"{UNFINISHED}{name}"
        try:
            yield unfinished
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(self.folder / name)
        finally:
            unfinished.unlink(missing_ok=True)
        for older in sorted(self.folder.glob(f"{PREFIX}*"))[:-1]:
            older.unlink(missing_ok=True)
