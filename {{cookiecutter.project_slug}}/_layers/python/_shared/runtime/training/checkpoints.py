"""Checkpoints that survive a kill at any instant (contract T34, T36)."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "checkpoint-"
UNFINISHED = ".unfinished-"
OURS = re.compile(r"checkpoint-\d{12}(\.\w+)?")


class Checkpoints:
    """The job's checkpoint folder; SageMaker copies it to S3 while the job runs and back when it restarts.

    A checkpoint is one file, because a rename on disk and an upload to S3 are atomic for one file only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.resumed: str | None = None  # the checkpoint that the job was resumed from

    def latest(self) -> Path | None:
        """Return the newest complete checkpoint, or None at the first start.

        Files of other programs and empty files are skipped, with a line in the log.
        """
        if not self.folder.is_dir():
            return None
        for left in self.folder.glob(f"{UNFINISHED}*"):
            left.unlink(missing_ok=True)
        found = []
        for file in sorted(self.folder.glob(f"{PREFIX}*")):
            if not (file.is_file() and OURS.fullmatch(file.name)):
                print(f"skipped {file.name} in the checkpoint folder: it is not this job's", flush=True)
            elif file.stat().st_size == 0:
                print(f"skipped {file.name} in the checkpoint folder: it is empty", flush=True)
            else:
                found.append(file)
        if not found:
            return None
        self.resumed = found[-1].name
        print(f"resuming from checkpoint {self.resumed}", flush=True)
        return found[-1]

    @contextmanager
    def write(self, step: int, suffix: str = "") -> Iterator[Path]:
        """Yield the path to write the checkpoint of `step` to; it is complete once the block has ended.

            with job.checkpoints.write(step, ".npz") as path:
                numpy.savez(path, ...)

        Older checkpoints are deleted then. Raises OSError if the disk is full; the older checkpoint stays.
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
        for older in self.folder.glob(f"{PREFIX}*"):
            if OURS.fullmatch(older.name) and older.name != name:
                older.unlink(missing_ok=True)
