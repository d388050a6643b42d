"""The tables of a dataset: publishing parts of them, and every question about them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from store.catalog import Catalog
from store.duckdb_file import write_duckdb_file
from store.engine import HOT_ROWS, Engine, Tabled
from store.parts import Parts
from store.report import DatasetReport, make_report
from store.sql import Condition, order, quote, search_texts, where
from workbench.errors import InputError, UnknownName
from workbench.filters import Filters
from workbench.types import Column, Rows

__all__ = ["Tables"]

Sort = Sequence[tuple[str, Literal["asc", "desc"]]]

_UNFILTERED = ("row", "item", "uri", "offset", "length", "digest")
"""Columns that say where an item is rather than what it is."""

_UNSEARCHED = ("uri", "digest", "format")
_EXACT_DISTINCT = 10_000


class Tables(Parts):
    """Items and captions of every dataset. Safe to share between threads.

    Args:
        root: the workspace folder.
        catalog: of the workspace.
        hot_rows: items up to which a dataset is kept in memory.
    """

    def __init__(self, root: Path, catalog: Catalog, *, hot_rows: int = HOT_ROWS) -> None:
        super().__init__(root, catalog)
        self.engine = Engine(root, catalog, hot_rows=hot_rows)
        self._answers: dict[Any, Any] = {}

    def items(
        self,
        dataset: str,
        where: Filters = (),
        *,
        sort: Sort = (),
        limit: int | None = None,
        offset: int = 0,
        columns: Sequence[str] | None = None,
        search: str = "",
    ) -> pa.Table:
        """The items that match; one row an item.

        Args:
            dataset: its name.
            where: conditions joined by AND.
            sort: (column, ``asc`` or ``desc``); missing values last, ties in import order.
            limit: how many at most.
            offset: how many to leave out at the start.
            columns: which columns, in order; all when None.
            search: a case-insensitive part of the id, a text column or a caption.

        Raises:
            UnknownName: no such dataset or column.
            InputError: a value does not fit its column.
        """
        tabled = self.engine.tabled(dataset)
        condition = _condition(tabled, where, search)
        page = "" if limit is None else f" limit {int(limit)}"
        page += f" offset {int(offset)}" if offset else ""
        return self.engine.arrow(
            f"select {_chosen(tabled, columns)} from {tabled.items} where {condition.sql} "
            f"order by {order(sort, tabled.kinds)}{page}",
            condition.values,
        )

    def count(self, dataset: str, where: Filters = (), search: str = "") -> int:
        """How many items match."""
        tabled = self.engine.tabled(dataset)
        if not where and not search:
            return tabled.count
        condition = _condition(tabled, where, search)
        sql = f"select count(*) from {tabled.items} where {condition.sql}"
        return int(self.engine.rows(sql, condition.values)[0][0])

    def rows(self, dataset: str, where: Filters = (), search: str = "") -> Rows:
        """Rows of the items that match: int64, ascending."""
        tabled = self.engine.tabled(dataset)
        if not where and not search:
            return np.arange(tabled.count, dtype=np.int64)
        condition = _condition(tabled, where, search)
        sql = f"select row from {tabled.items} where {condition.sql} order by row"
        return _int64(self.engine.arrow(sql, condition.values)["row"])

    def take(
        self, dataset: str, rows: Sequence[int] | Rows, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The items of these rows, in this order; a row may come twice.

        Raises:
            UnknownName: no such dataset or column.
            InputError: a row outside the dataset; the message names it.
        """
        tabled = self.engine.tabled(dataset)
        wanted = _checked(dataset, rows, tabled.count)
        names = list(tabled.kinds) if columns is None else list(columns)
        _chosen(tabled, names)
        chosen = ", ".join(f"t.{quote(name)}" for name in names)
        return self.engine.arrow(
            f"select {chosen} from unnest(?::bigint[]) with ordinality as asked(r, o) "
            f"join {tabled.items} t on t.row = asked.r order by asked.o",
            [wanted.tolist()],
        )

    def columns(self, dataset: str) -> tuple[Column, ...]:
        """The columns that can be filtered and sorted: metadata, label, sizes, format, bytes."""
        tabled = self.engine.tabled(dataset)
        key = ("columns", tabled.identity)
        found: tuple[Column, ...] = self._remember(key, lambda: self._columns(tabled))
        return found

    def facets(
        self, dataset: str, column: str, where: Filters = (), limit: int = 50
    ) -> list[tuple[Any, int]]:
        """(value, number of items) of the most frequent values of a column, most frequent first.

        Ties are in the order of the values. Of a list column every element counts; None stands
        for items without a value.

        Raises:
            UnknownName: no such dataset or column.
        """
        tabled = self.engine.tabled(dataset)
        _chosen(tabled, [column])
        key = ("facets", tabled.identity, column, tuple(where), limit)

        def ask() -> list[tuple[Any, int]]:
            condition = _condition(tabled, where, "")
            name = quote(column)
            value = (
                f"unnest(case when len({name}) > 0 then {name} else [null] end)"
                if tabled.kinds[column] == "list"
                else name
            )
            return [
                (value, int(count))
                for value, count in self.engine.rows(
                    f"select value, count(*) as n from (select {value} as value "
                    f"from {tabled.items} where {condition.sql}) group by value "
                    f"order by n desc, value nulls last limit {int(limit)}",
                    condition.values,
                )
            ]

        return list(self._remember(key, ask))

    def histogram(
        self, dataset: str, column: str, bins: int = 30, where: Filters = ()
    ) -> tuple[list[float], list[int]]:
        """Equal-width bins of a numeric column between its smallest and largest finite value.

        Returns:
            ``bins + 1`` edges and ``bins`` counts; the last bin includes its right edge. Missing
            and infinite values are not counted. Without any value: two edges 0, 1 and a count 0.

        Raises:
            InputError: the column is not numeric, or ``bins`` is below 1.
            UnknownName: no such dataset or column.
        """
        tabled = self.engine.tabled(dataset)
        _chosen(tabled, [column])
        if tabled.kinds[column] not in ("integer", "number"):
            got = f"a {tabled.kinds[column]} column"
            raise InputError(f"histogram of {column!r}", expected="a numeric column", got=got)
        if bins < 1:
            raise InputError("bins", expected="1 or more", got=str(bins))
        condition = _condition(tabled, where, "")
        name = f"{quote(column)}::double"
        found = self.engine.arrow(
            f"select {name} as value from {tabled.items} "
            f"where ({condition.sql}) and isfinite({name})",
            condition.values,
        )["value"].to_numpy()
        if len(found) == 0:
            return [0.0, 1.0], [0]
        counts, edges = np.histogram(found, bins=bins)
        return edges.tolist(), counts.tolist()

    def captions(self, dataset: str, rows: Sequence[int] | Rows | None = None) -> pa.Table:
        """Captions: columns row, item_row, text; all of them, or these caption rows in order.

        Raises:
            UnknownName: no such dataset.
            InputError: a row outside the captions.
        """
        tabled = self.engine.tabled(dataset)
        if rows is None:
            return self.engine.arrow(
                f"select row, item_row, text from {tabled.captions} order by row"
            )
        wanted = _checked(dataset, rows, self.catalog.dataset(dataset).captions)
        return self.engine.arrow(
            "select t.row, t.item_row, t.text from unnest(?::bigint[]) with ordinality "
            f"as asked(r, o) join {tabled.captions} t on t.row = asked.r order by asked.o",
            [wanted.tolist()],
        )

    def captions_of(
        self, dataset: str, item_rows: Sequence[int] | Rows
    ) -> dict[int, list[tuple[int, str]]]:
        """Captions of these items: item row -> [(caption row, text)], in caption order.

        Every asked item is a key, with an empty list when it has no caption.
        """
        tabled = self.engine.tabled(dataset)
        wanted = _checked(dataset, item_rows, tabled.count).tolist()
        found: dict[int, list[tuple[int, str]]] = {row: [] for row in wanted}
        for row, item_row, text in self.engine.rows(
            f"select row, item_row, text from {tabled.captions} "
            "where item_row in (select unnest(?::bigint[])) order by row",
            [wanted],
        ):
            found[item_row].append((row, text))
        return found

    def caption_items(self, dataset: str) -> Rows:
        """For each caption row its item row: int64 (M,)."""
        tabled = self.engine.tabled(dataset)
        sql = f"select item_row from {tabled.captions} order by row"
        return _int64(self.engine.arrow(sql)["item_row"])

    def caption_rows(self, dataset: str, where: Filters = (), search: str = "") -> Rows:
        """Rows of the captions whose item matches: int64, ascending."""
        tabled = self.engine.tabled(dataset)
        condition = _condition(tabled, where, search)
        sql = (
            f"select row from {tabled.captions} where item_row in "
            f"(select row from {tabled.items} where {condition.sql}) order by row"
        )
        return _int64(self.engine.arrow(sql, condition.values)["row"])

    def report(self, dataset: str) -> DatasetReport:
        """What a dataset holds and lacks: see ``DatasetReport``."""
        tabled = self.engine.tabled(dataset)
        info = self.catalog.dataset(dataset)
        columns = self.columns(dataset)
        return make_report(self.engine, tabled, info, columns)

    def source_uris(self, dataset: str) -> list[str]:
        """The distinct image files of a dataset that lie outside the workspace, sorted."""
        tabled = self.engine.tabled(dataset)
        found = self.engine.rows(
            f"select distinct uri from {tabled.items} where uri is not null "
            "and not starts_with(uri, 'media/') order by uri"
        )
        return [uri for (uri,) in found]

    def duckdb_file(self, path: Path) -> None:
        """Write a DuckDB file of views: see ``store.duckdb_file``."""
        write_duckdb_file(self.root, self.catalog, path)

    def close(self) -> None:
        """Forget tables in memory and cached answers."""
        self.engine.close()
        self._answers.clear()

    def _columns(self, tabled: Tabled) -> tuple[Column, ...]:
        found = []
        for name, kind in tabled.kinds.items():
            if name in _UNFILTERED:
                continue
            column = quote(name)
            value = f"unnest({column})" if kind == "list" else column
            ((distinct,),) = self.engine.rows(
                f"select count(*) from (select distinct v from (select {value} as v from "
                f"{tabled.items}) where v is not null limit {_EXACT_DISTINCT + 1})"
            )
            ((missing,),) = self.engine.rows(
                f"select count(*) - count({column}) from {tabled.items}"
            )
            found.append(Column(name, kind, int(distinct), int(missing)))
        return tuple(found)

    def _remember(self, key: Any, ask: Any) -> Any:
        """A cached answer; the cache is emptied when it grows beyond a thousand."""
        if key not in self._answers:
            if len(self._answers) > 1000:
                self._answers.clear()
            self._answers[key] = ask()
        return self._answers[key]


def _condition(tabled: Tabled, filters: Filters, search: str) -> Condition:
    texts = [n for n, kind in tabled.kinds.items() if kind == "text" and n not in _UNSEARCHED]
    return where(tuple(filters), tabled.kinds) & search_texts(search, texts, tabled.captions)


def _chosen(tabled: Tabled, columns: Sequence[str] | None) -> str:
    for name in columns or ():
        if name not in tabled.kinds:
            raise UnknownName("column", name, tabled.kinds)
    return ", ".join(map(quote, tabled.kinds if columns is None else columns))


def _checked(dataset: str, rows: Sequence[int] | Rows, count: int) -> Rows:
    wanted = np.asarray(rows, dtype=np.int64).reshape(-1)
    outside = wanted[(wanted < 0) | (wanted >= count)]
    if outside.size:
        expected = f"rows 0 to {count - 1}" if count else "no row: it is empty"
        raise InputError(f"rows of {dataset!r}", expected=expected, got=str(int(outside[0])))
    return wanted


def _int64(column: Any) -> Rows:
    return np.asarray(column.to_numpy(), dtype=np.int64)
