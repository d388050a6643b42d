"""Publishing: a part of items and captions appears whole, with its counts, or not at all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import Connection

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from store.catalog import Catalog
from store.columns import (
    agree_on_lists,
    captions_table,
    drop_items,
    items_table,
    list_columns,
)
from store.files import StoredFile, draft, full_disk
from store.ledger import record_file, record_progress
from workbench.errors import WorkspaceDamaged, WorkspaceError
from workbench.types import DatasetInfo, Source

__all__ = ["ROW_GROUP", "Parts", "write_parquet"]

ROW_GROUP = 65_536
"""Rows of a Parquet row group: the unit that a query reads or skips."""

_ASKED_AT_ONCE = 500
_TRIES = 50


@dataclass(frozen=True)
class _At:
    """Where the next part begins, as of one version of the dataset."""

    identity: tuple[int, int]
    items: int
    captions: int


@dataclass(frozen=True)
class _Part:
    """What one ``append`` adds."""

    items: pa.Table
    captions: pa.Table
    skipped: Sequence[tuple[str, str]]
    job_id: int | None
    done: int | None


class Parts:
    """The parts of every dataset's tables: writing. Safe between threads and processes.

    Args:
        root: the workspace folder.
        catalog: of the workspace.
    """

    def __init__(self, root: Path, catalog: Catalog) -> None:
        self.root, self.catalog, self.database = root, catalog, catalog.database

    def append(
        self,
        dataset: str,
        items: pa.Table,
        captions: pa.Table | None = None,
        *,
        job_id: int | None = None,
        done: int | None = None,
        skipped: Sequence[tuple[str, str]] = (),
    ) -> DatasetInfo:
        """Add items and their captions to a dataset, with rows after those it has.

        After it returns, the part, the counts, the job's progress and the skipped entries are
        all there; if it raises or the process dies, none of them. Items whose id the dataset has
        already, or that come twice, are dropped with their captions: adding the same part again
        changes nothing.

        Args:
            dataset: must exist (``Catalog.ensure_dataset``).
            items: see ``store.columns``; without ``row``. Missing columns are null.
            captions: columns ``item_index`` (position of the item in ``items``) and ``text``.
            job_id: a job whose progress and heartbeat are noted in the same transaction.
            done: that job's progress from now on, in all.
            skipped: (item id, reason) of what was refused.

        Returns:
            The dataset as it is now.

        Raises:
            UnknownName: no such dataset.
            InputError: the tables are not as described.
            DiskFull: nothing was changed.
        """
        fresh = items_table(items)
        texts = captions_table(
            _CAPTIONS.empty_table() if captions is None else captions, fresh.num_rows
        )
        for attempt in range(_TRIES):
            at = self._at(dataset)  # first: what is read after it can only be newer
            known = self.known(dataset, fresh["item"].to_pylist())
            part = _Part(*drop_items(fresh, texts, known), skipped, job_id, done)
            try:
                if self._publish(dataset, at, part):
                    return self.catalog.dataset(dataset)
            except WorkspaceDamaged:  # a cleaner took a file before it was recorded
                if attempt == _TRIES - 1:
                    raise
            time.sleep(0.002 * attempt)  # another importer published meanwhile: rows have moved
        raise WorkspaceError(
            f"dataset {dataset!r} is written by many others at once",
            do="Let the other imports of it finish, then try again.",
        )

    def known(self, dataset: str, keys: Sequence[str]) -> set[str]:
        """Which of these item ids the dataset has already.

        Raises:
            UnknownName: no such dataset.
        """
        number, _ = self.catalog.identity(dataset)
        found: set[str] = set()
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            some = keys[start : start + _ASKED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows = self.database.all(
                f"select item from items where dataset=? and item in ({marks})", (number, *some)
            )
            found.update(row["item"] for row in rows)
        return found

    def skipped(self, dataset: str) -> pa.Table:
        """What imports refused: columns ``item`` and ``reason``, by item.

        Raises:
            UnknownName: no such dataset.
        """
        number, _ = self.catalog.identity(dataset)
        rows = self.database.all(
            "select item, reason from skipped where dataset=? order by item", (number,)
        )
        return pa.table(
            {
                "item": pa.array([row["item"] for row in rows], pa.string()),
                "reason": pa.array([row["reason"] for row in rows], pa.string()),
            }
        )

    def put_blob(self, dataset: str, chunks: Sequence[bytes]) -> list[Source]:
        """Store image bytes that have no file of their own, in one media file, synced.

        The file is named by the catalog when ``append`` adds items that point to it; until then
        it is an orphan. The same chunks give the same file.

        Args:
            dataset: must exist.
            chunks: bytes of one image each.

        Returns:
            Where each chunk lies, in order.
        """
        self.catalog.identity(dataset)
        with draft(self.root, f"media/{dataset}", "blob.bin") as blob:
            with blob.path.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            stored = blob.place("media", "", ".bin")
        sources, offset = [], 0
        for chunk in chunks:
            sources.append(Source(stored.path, offset, len(chunk)))
            offset += len(chunk)
        return sources

    def _at(self, dataset: str) -> _At:
        identity = self.catalog.identity(dataset)
        info = self.catalog.dataset(dataset)
        return _At(identity, info.items, info.captions)

    def _publish(self, dataset: str, at: _At, part: _Part) -> bool:
        """Write the files and record them; False when the dataset changed meanwhile."""
        part = replace(part, items=agree_on_lists(part.items, self._lists(at.identity[0])))
        files = self._write_files(dataset, at, part)
        with self.database.write() as connection:
            now = connection.execute(
                "select id, parts from datasets where name=?", (dataset,)
            ).fetchone()
            if now is None or (now["id"], now["parts"]) != at.identity:
                return False
            number = at.identity[0]
            for side, start, stop, file in files:
                record_file(connection, self.root, file, dataset=dataset)
                connection.execute(
                    "insert into parts values (?, ?, ?, ?, ?)",
                    (number, side, start, stop, file.path),
                )
            connection.executemany(
                "insert or ignore into list_columns values (?, ?, ?)",
                [(number, name, int(lists)) for name, lists in list_columns(part.items).items()],
            )
            self._record_media(connection, dataset, part.items)
            _record_items(connection, number, part.items, at.items)
            _record_skipped(connection, number, part.skipped)
            _record_counts(connection, number, part.items.num_rows, part.captions.num_rows)
            record_progress(connection, part.job_id, part.done)
        return True

    def _lists(self, number: int) -> dict[str, bool]:
        rows = self.database.all("select name, lists from list_columns where dataset=?", (number,))
        return {row["name"].lower(): bool(row["lists"]) for row in rows}

    def _write_files(
        self, dataset: str, at: _At, part: _Part
    ) -> list[tuple[str, int, int, StoredFile]]:
        """(side, start, stop, file) of what the part brings."""
        captions = pa.table(
            {
                "item_row": pc.add(part.captions["item_index"], at.items),
                "text": part.captions["text"],
            }
        )
        files = []
        for side, table, start in (
            ("image", part.items, at.items),
            ("caption", captions, at.captions),
        ):
            if table.num_rows:
                file = self._write(dataset, side, table, start)
                files.append((side, start, start + table.num_rows, file))
        return files

    def _write(self, dataset: str, side: str, table: pa.Table, start: int) -> StoredFile:
        kind = "items" if side == "image" else "captions"
        rows = pa.array(range(start, start + table.num_rows), pa.int64())
        numbered = table.add_column(0, "row", rows)
        with draft(self.root, f"tables/{dataset}", f"{kind}.parquet") as target:
            write_parquet(numbered, target.path)
            return target.place(kind, f"{kind}-{start}", ".parquet")

    def _record_media(self, connection: Connection, dataset: str, items: pa.Table) -> None:
        """Name the media files that new items point to."""
        prefix = f"media/{dataset}/"
        uris = {uri for uri in items["uri"].to_pylist() if uri and uri.startswith(prefix)}
        for uri in sorted(uris):
            path = self.root / uri
            size = path.stat().st_size if path.is_file() else 0
            file = StoredFile(uri, "media", size, path.stem)
            record_file(connection, self.root, file, dataset=dataset)


_CAPTIONS = pa.schema({"item_index": pa.int64(), "text": pa.string()})
"""A schema and no table: with the first array that Arrow makes it imports pandas, which takes a
third of a second of every start."""


def write_parquet(table: pa.Table, path: Path, group: int = ROW_GROUP) -> None:
    """Write a table with zstd in row groups of ``group`` rows.

    Beside lists of fixed length, which are vectors of numbers, only other columns get dictionaries
    and statistics: looking for equal numbers and for the least of them would take half the time.

    Raises:
        DiskFull: no room left.
    """
    others = [each.name for each in table.schema if not pa.types.is_fixed_size_list(each.type)]
    chosen: bool | list[str] = True if len(others) == table.num_columns else others
    with full_disk(path.parent):
        pq.write_table(
            table,
            path,
            compression="zstd",
            row_group_size=group,
            use_dictionary=chosen,
            write_statistics=chosen,
        )


def _record_items(connection: Connection, dataset: int, items: pa.Table, start: int) -> None:
    names = items["item"].to_pylist()
    connection.executemany(
        "insert into items values (?, ?, ?)",
        [(dataset, name, start + position) for position, name in enumerate(names)],
    )
    connection.executemany(  # what an earlier import refused and this one read
        "delete from skipped where dataset=? and item=?", [(dataset, name) for name in names]
    )


def _record_skipped(
    connection: Connection, dataset: int, skipped: Sequence[tuple[str, str]]
) -> None:
    connection.executemany(
        "insert into skipped values (?, ?, ?) on conflict do update set reason=excluded.reason",
        [(dataset, item, reason) for item, reason in skipped],
    )


def _record_counts(connection: Connection, dataset: int, items: int, captions: int) -> None:
    connection.execute(
        "update datasets set items=items+:items, captions=captions+:captions, "
        "parts=parts+(:items > 0), "
        "skipped=(select count(*) from skipped where dataset=:dataset) where id=:dataset",
        {"items": items, "captions": captions, "dataset": dataset},
    )
