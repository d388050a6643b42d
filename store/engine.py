"""DuckDB over the Parquet tables, in memory, one instance a process and one cursor a call.

A dataset's tables are read from the files once and kept in memory: queries over memory are five
to ten times faster than over Parquet, and rows can be looked up one by one. New parts are added
to what is there. A dataset over ``hot_rows`` rows is queried from its files instead.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from store.catalog import Catalog
from store.sql import Kind, kind_of, literal, quote
from workbench.errors import WorkspaceDamaged

__all__ = ["HOT_ROWS", "Engine", "Tabled"]

HOT_ROWS = 5_000_000
"""Rows up to which a dataset is kept in memory (about 150 bytes an item)."""

_EMPTY = {
    "items": "select null::bigint as row, null::varchar as item, null::varchar as uri, "
    "null::bigint as offset, null::bigint as length, null::integer as width, "
    "null::integer as height, null::varchar as format, null::bigint as bytes, "
    "null::varchar as digest, null::varchar as label where false",
    "captions": "select null::bigint as row, null::bigint as item_row, null::varchar as text "
    "where false",
}


@dataclass(frozen=True)
class Tabled:
    """The tables of one version of a dataset, ready for queries.

    Args:
        identity: ``Catalog.identity`` of what they show.
        items, captions: relations as SQL.
        kinds: every column of items with its kind.
        count: number of items.
    """

    identity: tuple[int, int]
    items: str
    captions: str
    kinds: dict[str, Kind]
    count: int


class Engine:
    """The query engine of one workspace in this process. Safe to share between threads.

    Args:
        root: the workspace folder; only files in its ``tables`` can be read.
        catalog: of the workspace.
        hot_rows: rows up to which a dataset is kept in memory.
    """

    def __init__(self, root: Path, catalog: Catalog, *, hot_rows: int = HOT_ROWS) -> None:
        self.root, self.catalog, self.hot_rows = root, catalog, hot_rows
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._tabled: dict[str, Tabled] = {}
        self._lock = threading.RLock()

    def arrow(self, sql: str, values: Sequence[Any] = ()) -> pa.Table:
        """The result of one query."""
        with self._cursor() as cursor:
            return cursor.sql(sql, params=list(values)).to_arrow_table()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The result of one small query as tuples."""
        with self._cursor() as cursor:
            return cursor.execute(sql, list(values)).fetchall()

    def tabled(self, dataset: str) -> Tabled:
        """The tables of a dataset as they are now.

        Raises:
            UnknownName: no such dataset.
            WorkspaceDamaged: a file of it is missing or unreadable.
        """
        identity = self.catalog.identity(dataset)
        current = self._tabled.get(dataset)
        if current is not None and current.identity == identity:
            return current
        with self._lock:
            current = self._tabled.get(dataset)
            if current is None or current.identity != identity:
                current = self._load(dataset, identity, current)
                self._tabled[dataset] = current
            return current

    def close(self) -> None:
        """Forget everything; a later call starts anew."""
        with self._lock:
            self._tabled.clear()
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection.cursor()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(":memory:")
        spill = self.root / "run" / f"duckdb-{os.getpid()}"
        for setting in (
            "autoinstall_known_extensions=false",
            "autoload_known_extensions=false",
            "python_enable_replacements=false",  # a Python variable is never a table
            f"temp_directory={literal(str(spill))}",
            f"allowed_directories=[{literal(str(self.root / 'tables') + '/')}]",
            "enable_external_access=false",
            "lock_configuration=true",
        ):
            connection.execute(f"set {setting}")
        return connection

    def _load(self, dataset: str, identity: tuple[int, int], old: Tabled | None) -> Tabled:
        count = self.catalog.dataset(dataset).items
        names = {}
        for table, side in (("items", "image"), ("captions", "caption")):
            files = self._files(identity[0], side)
            names[table] = self._relation(table, identity, files, hot=count <= self.hot_rows)
        described = self.rows(f"describe select * from {names['items']}")
        kinds = {row[0]: kind_of(row[1]) for row in described}
        return Tabled(identity, names["items"], names["captions"], kinds, count)

    def _files(self, number: int, side: str) -> list[str]:
        rows = self.catalog.database.all(
            "select file from parts where dataset=? and side=? order by start", (number, side)
        )
        return [str(self.root / row["file"]) for row in rows]

    def _relation(
        self, table: str, identity: tuple[int, int], files: list[str], *, hot: bool
    ) -> str:
        name = quote(f"{table}-{identity[0]}-{identity[1]}")
        if files:
            listed = ", ".join(map(literal, files))
            source = f"select * from read_parquet([{listed}], union_by_name=true)"
        else:
            source = _EMPTY[table]
        what = "table" if hot else "view"
        order = " order by row" if hot else ""
        try:
            self.rows(f"create or replace {what} {name} as {source}{order}")
        except duckdb.IOException as error:
            raise WorkspaceDamaged(
                f"a file of the tables cannot be read: {error}", do="Run `workbench doctor`."
            ) from error
        return name
