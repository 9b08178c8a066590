"""Finds the template's files that were edited: an update of the template may conflict with the edits."""

import hashlib
from pathlib import Path

CHECKSUMS = "local_test/checksums.txt"  # written when the project is generated, and by every update


def edited(project: Path) -> list[str]:
    """Return the names of the files that were changed or removed; none where the project has no checksums."""
    file = project / CHECKSUMS
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    recorded = {name: checksum for checksum, name in (line.split("  ", 1) for line in lines)}
    return [name for name, checksum in recorded.items() if checksum_of(project / name) != checksum]


def checksum_of(file: Path) -> str | None:
    """Return the SHA-256 of a file; None where there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
