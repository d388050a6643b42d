"""The rows of the ``files`` table: written and deleted in the transaction of what uses them.

A file is deleted from disk only by ``store.gc``, which holds the write lock while it looks and
deletes. So a file that is still there when its row is written stays there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from store.files import StoredFile
from workbench.errors import WorkspaceDamaged

__all__ = ["forget_files", "forget_folder", "record_file", "record_files", "record_progress"]


def record_file(
    connection: Connection, root: Path, file: StoredFile, *, dataset: str | None = None
) -> None:
    """Name a placed file in the catalog; a file named before keeps its row.

    Args:
        connection: inside a write transaction.
        root: the workspace.
        file: as ``Draft.place`` returned it.
        dataset: whose deletion makes it an orphan.

    Raises:
        WorkspaceDamaged: it was removed between its writing and now; the caller writes it again.
    """
    if not (root / file.path).is_file():
        raise WorkspaceDamaged(
            f"{file.path} has gone before it was recorded",
            do="Another process cleaned the workspace at that moment. Try again.",
        )
    connection.execute(
        "insert into files values (?, ?, ?, ?, ?, ?) on conflict (path) do nothing",
        (file.path, file.kind, file.bytes, file.digest, dataset, time.time()),
    )


def record_files(
    connection: Connection, root: Path, files: Iterable[StoredFile], *, dataset: str | None = None
) -> None:
    """``record_file`` for several."""
    for file in files:
        record_file(connection, root, file, dataset=dataset)


def forget_files(
    connection: Connection, table: str, condition: str, values: Sequence[Any]
) -> list[str]:
    """Delete rows of a table together with the files they name; the files become orphans.

    Args:
        connection: inside a write transaction.
        table: ``parts``, ``vectors``, ``indexes`` or ``run_tables``.
        condition: over its columns, with ``?`` for the values.
        values: of the marks, in order.

    Returns:
        Paths of the files, relative to the workspace.
    """
    found = connection.execute(
        f"delete from {table} where {condition} returning file", values
    ).fetchall()
    paths = [row["file"] for row in found if row["file"] is not None]
    connection.executemany("delete from files where path=?", [(path,) for path in paths])
    return paths


def forget_folder(connection: Connection, folder: str) -> None:
    """Delete the rows of every file inside a folder, given with a final slash."""
    connection.execute("delete from files where substr(path, 1, length(?1)) = ?1", (folder,))


def record_progress(connection: Connection, job: int | None, done: int | None) -> None:
    """Note a running job's progress and heartbeat, in the transaction that publishes its work.

    Args:
        connection: inside a write transaction.
        job: its id; None does nothing.
        done: progress in all; None leaves it.
    """
    if job is not None:
        connection.execute(
            "update jobs set done=coalesce(?, done), heartbeat=? where id=? and state='running'",
            (done, time.time(), job),
        )
