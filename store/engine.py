"""DuckDB over the Parquet tables, in memory, one instance a process and one cursor a call.

The items and captions of a dataset are read from their files at the first question and kept in
memory: queries there are five to ten times faster than over Parquet, and single rows can be
looked up. Parts that are published later are added to what is there. Datasets over ``hot_rows``
rows are queried from their files instead; datasets not asked for the longest time make room.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeVar

import duckdb
import pyarrow as pa

from store.catalog import Catalog
from store.files import says_full
from store.sql import Kind, kind_of, literal, quote
from workbench.errors import DiskFull, WorkspaceDamaged

__all__ = ["HOT_ROWS", "Engine", "Tabled"]

HOT_ROWS = 5_000_000
"""Rows kept in memory, over all datasets (about 200 bytes an item)."""

_TRIES = 20
"""Each further try means that a part was published within the time of one question."""

_Table = Literal["items", "captions"]
_SIDE = {"items": "image", "captions": "caption"}
_EMPTY = {
    "items": "select null::bigint as row, null::varchar as item, null::varchar as uri, "
    "null::bigint as offset, null::bigint as length, null::integer as width, "
    "null::integer as height, null::varchar as format, null::bigint as bytes, "
    "null::varchar as digest, null::varchar as label where false",
    "captions": "select null::bigint as row, null::bigint as item_row, null::varchar as text "
    "where false",
}

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Tabled:
    """One table of one version of a dataset, ready for queries.

    Args:
        identity: ``Catalog.identity`` of what it shows.
        relation: its name as SQL.
        types: every column with its DuckDB type.
        count: number of rows.
        hot: it lies in memory.
    """

    identity: tuple[int, int]
    relation: str
    types: dict[str, str]
    count: int
    hot: bool
    kinds: dict[str, Kind] = field(init=False)

    def __post_init__(self) -> None:
        kinds = {name: kind_of(text) for name, text in self.types.items()}
        object.__setattr__(self, "kinds", kinds)


class Engine:
    """The query engine of one workspace in this process. Safe to share between threads.

    Args:
        root: the workspace folder; only files in its ``tables`` can be read.
        catalog: of the workspace.
        hot_rows: rows kept in memory.
    """

    def __init__(self, root: Path, catalog: Catalog, *, hot_rows: int = HOT_ROWS) -> None:
        self.root, self.catalog, self.hot_rows = root, catalog, hot_rows
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._tabled: dict[tuple[str, _Table], Tabled] = {}  # least recently asked first
        self._numbers = count()
        self._lock = threading.RLock()  # of the two above
        self._loading = threading.RLock()

    def arrow(self, sql: str, values: Sequence[Any] = ()) -> pa.Table:
        """The result of one query."""
        with self._cursor() as cursor:
            return cursor.sql(sql, params=list(values)).to_arrow_table()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The result of one small query as tuples."""
        with self._cursor() as cursor:
            return cursor.execute(sql, list(values)).fetchall()

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """The answer to a question that gets its tables from ``tabled``.

        The question is asked again when another thread or process replaced the tables meanwhile.

        Raises:
            WorkspaceDamaged: a file of the tables is missing or unreadable.
        """
        for attempt in range(_TRIES):
            try:
                return question()
            except duckdb.Error as error:
                if not self._of_tables(error):
                    raise
                if says_full(error):
                    raise DiskFull(
                        f"no room left in {self.root / 'run'} for a query larger than memory",
                        do="Free some space, or narrow the filter.",
                    ) from error
                if attempt == _TRIES - 1:
                    raise WorkspaceDamaged(
                        f"a table cannot be read: {error}", do="Run `workbench doctor`."
                    ) from error
        raise AssertionError  # the loop returns or raises

    def tabled(self, dataset: str, table: _Table = "items") -> Tabled:
        """A table of a dataset as it is now.

        Raises:
            UnknownName: no such dataset.
        """
        identity = self.catalog.identity(dataset)
        return self._current(dataset, table, identity) or self._load(dataset, table, identity)

    def close(self) -> None:
        """Forget everything; a later call starts anew."""
        with self._loading, self._lock:
            self._tabled.clear()
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _current(self, dataset: str, table: _Table, identity: tuple[int, int]) -> Tabled | None:
        with self._lock:
            known = self._tabled.get((dataset, table))
            if known is None or known.identity != identity:
                return None
            self._tabled[dataset, table] = self._tabled.pop((dataset, table))
            return known

    def _load(self, dataset: str, table: _Table, identity: tuple[int, int]) -> Tabled:
        with self._loading:  # one thread reads the files, the others wait for it
            known = self._current(dataset, table, identity)
            if known is not None:
                return known
            old = self._tabled.get((dataset, table))
            made = self._extended(table, identity, old) or self._read(table, identity)
            with self._lock:
                self._tabled.pop((dataset, table), None)
                self._tabled[dataset, table] = made
            if old is not None and old.relation != made.relation:
                self._drop(old)
            self._make_room(made)
            return made

    def _extended(
        self, table: _Table, identity: tuple[int, int], old: Tabled | None
    ) -> Tabled | None:
        """The old table with the rows published since; None when it must be read anew."""
        if old is None or not old.hot or old.identity[0] != identity[0]:
            return None
        files, total = self._files(table, identity[0], start=old.count)
        if total > self.hot_rows:
            return None
        if files:
            source = _parquet(files)
            if any(old.types.get(name) != kind for name, kind in self._describe(source).items()):
                return None  # a new column, or one that needs a wider type
            self.rows(
                f"insert into {old.relation} by name select * from {source} "
                f"where row >= {old.count} order by row"
            )
        return Tabled(identity, old.relation, old.types, total, hot=True)

    def _read(self, table: _Table, identity: tuple[int, int]) -> Tabled:
        files, total = self._files(table, identity[0])
        source = f"select * from {_parquet(files)}" if files else _EMPTY[table]
        hot = total <= self.hot_rows
        name = quote(f"{table} {next(self._numbers)}")
        if hot:
            self.rows(f"create table {name} as {source} order by row")
        else:
            self.rows(f"create view {name} as {source}")
        return Tabled(identity, name, self._describe(name), total, hot)

    def _files(self, table: _Table, number: int, start: int = 0) -> tuple[list[str], int]:
        """(files with rows from ``start`` on, number of rows in all) of one table."""
        rows = self.catalog.database.all(
            "select file, stop from parts where dataset=? and side=? order by start",
            (number, _SIDE[table]),
        )
        files = [str(self.root / row["file"]) for row in rows if row["stop"] > start]
        return files, int(rows[-1]["stop"]) if rows else 0

    def _describe(self, source: str) -> dict[str, str]:
        found = self.rows(f"describe select * from {source}")
        return {row[0]: row[1] for row in found}

    def _make_room(self, made: Tabled) -> None:
        """Drop the tables not asked for the longest time until the rest fits."""
        with self._lock:
            hot = [(key, t) for key, t in self._tabled.items() if t.hot and t is not made]
        total = sum(t.count for _, t in hot) + (made.count if made.hot else 0)
        for key, tabled in hot:
            if total <= self.hot_rows:
                return
            total -= tabled.count
            with self._lock:
                self._tabled.pop(key, None)
            self._drop(tabled)

    def _of_tables(self, error: duckdb.Error) -> bool:
        """True when the tables are to blame: dropped by another thread, or a file is not whole.

        For most damage DuckDB's Parquet reader raises no particular kind of error.
        """
        if isinstance(error, (duckdb.CatalogException, duckdb.IOException)):
            return True
        return type(error) is duckdb.Error or str(self.root / "tables") in str(error)

    def _drop(self, tabled: Tabled) -> None:
        self.rows(f"drop {'table' if tabled.hot else 'view'} if exists {tabled.relation}")

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


def _parquet(files: Sequence[str]) -> str:
    """Files as one relation; a column that a file lacks reads as null."""
    return f"read_parquet([{', '.join(map(literal, files))}], union_by_name=true)"
