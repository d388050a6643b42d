"""Files of the workspace that never change: written aside, synced, renamed to their digest.

A file is first a draft, ``.tmp-<pid>-<random>-<name>``, in the folder where it will lie. The
writer holds a lock on it, so that a cleaner can tell the draft of a dead process from one being
written. ``Draft.place`` syncs it and renames it to a name that contains the digest of its content;
a catalog row is written only after that. A kill therefore leaves a draft (a *leftover*) or a
complete file that no row names (an *orphan*): both harmless, both removed by ``store.gc``.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from workbench.errors import DiskFull, WorkspaceError

__all__ = [
    "DRAFT_PREFIX",
    "Draft",
    "StoredFile",
    "digest_of",
    "draft",
    "full_disk",
    "says_full",
    "sync_folder",
]

DRAFT_PREFIX = ".tmp-"
_BLOCK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class StoredFile:
    """A file that is complete on disk, not yet or already named by the catalog.

    Args:
        path: relative to the workspace, with forward slashes.
        kind: ``items``, ``captions``, ``vectors``, ``index``, ``media``, ``model`` or ``run``.
        bytes: its size.
        digest: hexadecimal BLAKE2b-128 of its content.
    """

    path: str
    kind: str
    bytes: int
    digest: str


@dataclass(frozen=True)
class Draft:
    """A file being written; ``path`` is where to write it.

    Args:
        path: the temporary file, empty at the start.
        root: the workspace folder.
    """

    path: Path
    root: Path

    def place(self, kind: str, stem: str, suffix: str) -> StoredFile:
        """Sync the draft and name it ``<stem>-<digest><suffix>`` in the same folder.

        Two files of one name have one content, so an existing one is replaced by its equal.

        Args:
            kind: what the catalog will call it.
            stem: begin of the name; when empty, the name begins with the digest.
            suffix: end of the name, with its dot.
        """
        with self.path.open("rb") as file:
            digest, size = _digest(file.fileno())
            os.fsync(file.fileno())
        final = self._rename(f"{stem}-{digest}{suffix}".removeprefix("-"))
        return StoredFile(final.relative_to(self.root).as_posix(), kind, size, digest)

    def name(self, name: str) -> None:
        """Sync the draft and give it this name in the same folder, replacing what has it."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self._rename(name)

    def _rename(self, name: str) -> Path:
        final = self.path.with_name(name)
        self.path.replace(final)
        sync_folder(final.parent)
        return final


@contextmanager
def draft(root: Path, folder: str, hint: str = "file") -> Iterator[Draft]:
    """A draft in a folder of the workspace; removed at the end unless it was placed.

    Args:
        root: the workspace.
        folder: relative to it; created when missing.
        hint: readable end of the temporary name; its suffix is kept (some writers look at it).

    Raises:
        DiskFull: the disk, the quota or the file-size limit is exhausted; nothing is left behind.
    """
    path = root / folder / f"{DRAFT_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-{hint}"
    with full_disk(path.parent), _opened(path) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield Draft(path, root)
        finally:
            path.unlink(missing_ok=True)


def _opened(path: Path) -> BinaryIO:
    """The new file; its folder may vanish at any moment, when a cleaner finds it empty."""
    for _ in range(100):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return path.open("xb")
        except FileNotFoundError:
            continue
    raise WorkspaceError(f"{path.parent} cannot be written: it vanishes", do="Try again.")


@contextmanager
def full_disk(where: Path) -> Iterator[None]:
    """Turn "no space left" of any library into DiskFull that names the folder.

    Recognised by errno, or by the operating system's sentence in errors of libraries that lose
    the number (FAISS raises RuntimeError).
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if says_full(error):
            raise DiskFull(
                f"no room left to write in {where}",
                do="Free some space (`workbench gc` removes what nothing uses) and try again; "
                "nothing was changed.",
            ) from error
        raise


def says_full(error: BaseException) -> bool:
    """True when an error means that the disk, the quota or the file-size limit is exhausted."""
    if getattr(error, "errno", None) in _FULL:
        return True
    text = str(error)
    return any(os.strerror(number) in text for number in _FULL)


def digest_of(path: Path) -> tuple[str, int]:
    """(hexadecimal BLAKE2b-128, size in bytes) of a file, read once in blocks of 1 MiB."""
    with path.open("rb") as file:
        return _digest(file.fileno())


def _digest(descriptor: int) -> tuple[str, int]:
    digest, size = hashlib.blake2b(digest_size=16), 0
    os.lseek(descriptor, 0, os.SEEK_SET)
    while block := os.read(descriptor, _BLOCK):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
