"""Files that nothing needs: which they are, and their removal.

*Leftovers* are drafts (``.tmp-<pid>-...``) and spill files of processes that died; *orphans* are
complete files that no catalog row names: their dataset, model or index is gone, or the process
died between the rename and the catalog row. Neither does any harm but to the disk space.

Nothing is removed that a living process may still need. A draft counts as left over when its
lock is free and its process is dead (or it is an hour old). An orphan is removed while the
catalog's write lock is held, and whoever records a file looks under the same lock whether it is
still there, and writes it again if not. Files that are expensive or impossible to write again
(media, models, indexes) are kept while a worker is alive, until they are an hour old.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from store import training
from store.files import DRAFT_PREFIX

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["DATA_FOLDERS", "collect", "leftovers", "orphans", "tidy", "unnamed"]

DATA_FOLDERS = ("tables", "vectors", "indexes", "media", "models", "runs")
"""Folders whose files are all named by the catalog."""

_COSTLY = ("indexes", "media", "models")
_YOUNG_SECONDS = 3600.0
_AT_ONCE = 200
_DRAFT = re.compile(re.escape(DRAFT_PREFIX) + r"(\d+)-")
_SPILL = re.compile(r"duckdb-(\d+)")


def leftovers(workspace: Workspace) -> tuple[Path, ...]:
    """Drafts and spill files of dead processes, anywhere in the workspace; absolute, sorted."""
    root, found = workspace.root, []
    for folder in ("", *DATA_FOLDERS, "thumbs", "run", "reports", "logs", "uploads"):
        walked = root.iterdir() if not folder else _files(root / folder)
        found += [path for path in walked if _DRAFT.match(path.name) and _abandoned(path)]
    for spill in (root / "run").glob("duckdb-*"):
        match = _SPILL.fullmatch(spill.name)
        if match and not _alive(int(match[1])):
            found += _files(spill)
    return tuple(sorted(found))


def orphans(workspace: Workspace) -> tuple[Path, ...]:
    """What ``collect`` would remove: leftovers and files no catalog row names; absolute, sorted."""
    return tuple(sorted({*leftovers(workspace), *unnamed(workspace, spare_costly=True)}))


def unnamed(workspace: Workspace, *, spare_costly: bool) -> list[Path]:
    """Complete files that no catalog row names.

    Args:
        workspace: where to look.
        spare_costly: leave out young media, models and indexes while a worker is alive.
    """
    root, present = workspace.root, []
    for folder in DATA_FOLDERS:  # first the disk, then the catalog: what is published meanwhile
        present += [p for p in _files(root / folder) if not _DRAFT.match(p.name)]  # is named
    present += [path for folder in training.forgotten(workspace) for path in _files(folder)]
    named = {row["path"] for row in workspace.database.all("select path from files")}
    spare = spare_costly and bool(workspace.workers.alive() or workspace.jobs.list(["running"]))
    return [
        path
        for path in present
        if path.relative_to(root).as_posix() not in named
        and not (spare and path.relative_to(root).parts[0] in _COSTLY and _young(path))
    ]


def collect(workspace: Workspace) -> int:
    """Remove every orphan and leftover, empty folders, and item ids of deleted datasets.

    Returns:
        Bytes freed.
    """
    freed = tidy(workspace)
    paths = unnamed(workspace, spare_costly=True)
    for start in range(0, len(paths), _AT_ONCE):
        with workspace.database.write() as connection:
            for path in paths[start : start + _AT_ONCE]:
                name = path.relative_to(workspace.root).as_posix()
                named = connection.execute("select 1 from files where path=?", (name,)).fetchone()
                freed += 0 if named else _remove(path)
    for name in (*DATA_FOLDERS, training.FOLDER):
        _remove_empty(workspace.root / name)
    return freed


def tidy(workspace: Workspace) -> int:
    """Remove what dead processes left half done, and item ids of deleted datasets.

    A worker does so when it starts.

    Returns:
        Bytes freed.
    """
    freed = sum(_remove(path) for path in leftovers(workspace))
    for spill in (workspace.root / "run").glob("duckdb-*"):
        with suppress(OSError):  # not empty: its process lives
            spill.rmdir()
    workspace.catalog.forget_items()
    return freed


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent) / name


def _abandoned(draft: Path) -> bool:
    """True when nobody is writing this draft."""
    match = _DRAFT.match(draft.name)
    if match is None or not draft.is_file():
        return False
    if _alive(int(match[1])) and _young(draft):
        return False
    try:
        with draft.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by its writer, or gone
        return False
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _young(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _YOUNG_SECONDS
    except FileNotFoundError:
        return False


def _remove(path: Path) -> int:
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size


def _remove_empty(folder: Path) -> None:
    for parent, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):  # not empty, or being filled
            Path(parent).rmdir()
