"""Tar files: model.tar.gz as SageMaker makes it, and trees going into and coming out of containers."""

import io
import os
import tarfile
from pathlib import Path

CONFIG = "input/config"

Snapshot = dict[str, tuple[int, int]]  # name -> (size in bytes, mtime in ns); folders have (0, 0)


def pack_tree(folder: Path) -> bytes:
    """Return a folder's content as a tar owned by root; others cannot list its input/config, as on SageMaker (T7)."""

    def as_sagemaker(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        if member.name.removeprefix("./") == CONFIG:
            member.mode = 0o644
        return member

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name, filter=as_sagemaker)
    return buffer.getvalue()


def unpack(stream: io.BufferedIOBase, target: Path, strip: str = "") -> None:
    """Unpack a tar below `target`, owned by the caller, without the leading folder `strip`.

    Raises ValueError for a name that would land outside `target`. Devices and sockets are left out.
    """
    with tarfile.open(fileobj=stream, mode="r|*") as tar:
        for member in tar:
            name = member.name.removeprefix("./").removeprefix(strip).lstrip("/")
            path = target / name
            if ".." in Path(name).parts:
                raise ValueError(f"the archive has the name {member.name!r}, which leads out of its folder")
            if member.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif member.issym():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(member.linkname)
            elif content := tar.extractfile(member) if member.isreg() else None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
                path.chmod(member.mode & 0o777 | 0o600)


def pack_model(folder: Path, archive: Path) -> None:
    """Pack a model folder flat, its files at the top level, into `archive` (model.tar.gz, T31).

    Symbolic links are left out: SageMaker does not promise to keep them.
    """
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in files(folder):
            tar.add(path, str(path.relative_to(folder)), recursive=False)


def files(folder: Path) -> list[Path]:
    """Return the regular files below `folder`, sorted; symbolic links are neither listed nor followed."""
    found = []
    for parent, _, names in os.walk(folder):
        found += [path for name in names if not (path := Path(parent, name)).is_symlink()]
    return sorted(found)


def links(folder: Path) -> list[str]:
    """Return the symbolic links below `folder` as 'name -> target'."""
    found = []
    for parent, folders, names in os.walk(folder):
        for path in (Path(parent, name) for name in folders + names):
            if path.is_symlink():
                found.append(f"{path.relative_to(folder)} -> {os.readlink(path)}")
    return sorted(found)


def snapshot(folder: Path) -> Snapshot:
    """Return what is below a folder."""
    found = {}
    for path in folder.rglob("*"):
        stat = path.lstat()
        found[str(path.relative_to(folder))] = (0, 0) if path.is_dir() else (stat.st_size, stat.st_mtime_ns)
    return found


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """Return what differs between two snapshots, as 'created x', 'changed y', 'deleted z'."""
    return (
        [f"created {name}" for name in sorted(after.keys() - before.keys())]
        + [f"deleted {name}" for name in sorted(before.keys() - after.keys())]
        + [f"changed {name}" for name in sorted(before.keys() & after.keys()) if before[name] != after[name]]
    )
