"""Questions about the items of a dataset: which match, in what order, what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import numpy as np
import pyarrow as pa

from store.catalog import Catalog
from store.engine import HOT_ROWS, Engine, Tabled
from store.parts import Parts
from store.sql import Condition, order, quote, search_texts, where
from workbench.errors import InputError, UnknownName
from workbench.filters import Filters
from workbench.types import Rows

__all__ = ["Asking", "asked", "checked_rows", "chosen", "int64"]

Sort = Sequence[tuple[str, Literal["asc", "desc"]]]

_UNSEARCHED = ("uri", "digest", "format")
_ANSWERS = 1000
_SMALL_PAGE = 5000
"""Rows up to which a page is sorted by its keys alone and then filled in: four times faster at
the end of a million items, because sorting does not move the other columns."""

Self_ = TypeVar("Self_", bound="Asking")
Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def asked(
    method: Callable[Concatenate[Self_, Asked], Answer],
) -> Callable[Concatenate[Self_, Asked], Answer]:
    """A method that asks again when its tables were replaced while it ran."""

    @wraps(method)
    def asking(self: Self_, /, *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        return self.engine.ask(lambda: method(self, *args, **kwargs))

    return asking


class Asking(Parts):
    """Items of every dataset. Safe to share between threads.

    Args:
        root: the workspace folder.
        catalog: of the workspace.
        hot_rows: rows kept in memory, over all datasets.
    """

    def __init__(self, root: Path, catalog: Catalog, *, hot_rows: int = HOT_ROWS) -> None:
        super().__init__(root, catalog)
        self.engine = Engine(root, catalog, hot_rows=hot_rows)
        self._answers: dict[Any, Any] = {}

    @asked
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
            InputError: a value does not fit its column, or limit or offset are negative.
        """
        tabled = self.engine.tabled(dataset)
        condition = self.condition(dataset, where, search)
        wanted = chosen(tabled, columns)
        of = (
            f"from {tabled.relation} where {condition.sql} "
            f"order by {order(sort, tabled.kinds)}{_page(limit, offset)}"
        )
        if limit is None or limit > _SMALL_PAGE:
            return self.engine.arrow(f"select {wanted} {of}", condition.values)
        rows = [row for (row,) in self.engine.rows(f"select row {of}", condition.values)]
        return self.take(dataset, rows, columns)

    @asked
    def count(self, dataset: str, where: Filters = (), search: str = "") -> int:
        """How many items match."""
        tabled = self.engine.tabled(dataset)
        if not where and not search:
            return tabled.count
        condition = self.condition(dataset, where, search)
        sql = f"select count(*) from {tabled.relation} where {condition.sql}"
        return int(self.engine.rows(sql, condition.values)[0][0])

    @asked
    def rows(self, dataset: str, where: Filters = (), search: str = "") -> Rows:
        """Rows of the items that match: int64, ascending."""
        tabled = self.engine.tabled(dataset)
        if not where and not search:
            return np.arange(tabled.count, dtype=np.int64)
        condition = self.condition(dataset, where, search)
        sql = f"select row from {tabled.relation} where {condition.sql}"
        rows = int64(self.engine.arrow(sql, condition.values)["row"])
        # A scan keeps the order of the table; having DuckDB sort costs more than the scan.
        return rows if np.all(rows[1:] > rows[:-1]) else np.sort(rows)

    @asked
    def take(
        self, dataset: str, rows: Sequence[int] | Rows, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The items of these rows, in this order; a row may come twice.

        Raises:
            UnknownName: no such dataset or column.
            InputError: a row outside the dataset; the message names it.
        """
        tabled = self.engine.tabled(dataset)
        wanted = checked_rows(dataset, rows, tabled.count)
        return self.engine.arrow(
            f"select {chosen(tabled, columns, 't.')} "
            "from unnest(?::bigint[]) with ordinality as asked(r, o) "
            f"join {tabled.relation} t on t.row = asked.r order by asked.o",
            [wanted.tolist()],
        )

    @asked
    def source_uris(self, dataset: str) -> list[str]:
        """The distinct image files of a dataset that lie outside the workspace, sorted."""
        tabled = self.engine.tabled(dataset)
        found = self.engine.rows(
            f"select distinct uri from {tabled.relation} where uri is not null "
            "and not starts_with(uri, 'media/') order by uri"
        )
        return [uri for (uri,) in found]

    def condition(self, dataset: str, filters: Filters, search: str = "") -> Condition:
        """Filters and search as one condition on the items table."""
        kinds = self.engine.tabled(dataset).kinds
        condition = where(tuple(filters), kinds)
        if not search:
            return condition
        texts = [n for n, kind in kinds.items() if kind == "text" and n not in _UNSEARCHED]
        captions = self.engine.tabled(dataset, "captions").relation
        return condition & search_texts(search, texts, captions)

    def remember(self, key: Any, ask: Callable[[], Answer]) -> Answer:
        """A cached answer; the cache is emptied when it grows beyond a thousand.

        The key contains the identity of the tables, so that an answer is never out of date.
        """
        if key not in self._answers:
            if len(self._answers) >= _ANSWERS:
                self._answers.clear()
            self._answers[key] = ask()
        answer: Answer = self._answers[key]
        return answer

    def close(self) -> None:
        """Forget tables in memory and cached answers."""
        self.engine.close()
        self._answers.clear()


def chosen(tabled: Tabled, columns: Sequence[str] | None, prefix: str = "") -> str:
    """A select list of columns, checked; all of them when None.

    Raises:
        UnknownName: a column that does not exist.
    """
    names = list(tabled.kinds) if columns is None else list(columns)
    for name in names:
        if name not in tabled.kinds:
            raise UnknownName("column", name, tabled.kinds)
    return ", ".join(prefix + quote(name) for name in names)


def checked_rows(dataset: str, rows: Sequence[int] | Rows, count: int) -> Rows:
    """Rows as int64, all of them from 0 to ``count - 1``.

    Raises:
        InputError: one is outside; the message names it.
    """
    wanted = np.asarray(rows, dtype=np.int64).reshape(-1)
    outside = wanted[(wanted < 0) | (wanted >= count)]
    if outside.size:
        expected = f"rows 0 to {count - 1}" if count else "no row: there is none"
        raise InputError(f"rows of {dataset!r}", expected=expected, got=str(int(outside[0])))
    return wanted


def int64(column: Any) -> Rows:
    """An Arrow column as int64 numpy array."""
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _page(limit: int | None, offset: int) -> str:
    if offset < 0 or (limit is not None and limit < 0):
        got = f"limit {limit}, offset {offset}"
        raise InputError("page of items", expected="limit and offset of 0 or more", got=got)
    page = "" if limit is None else f" limit {int(limit)}"
    return f"{page} offset {int(offset)}" if offset else page
