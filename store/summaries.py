"""Summaries of a dataset's columns: kinds, frequent values, histograms, the report."""

from __future__ import annotations

from typing import Any

import numpy as np

from store.asking import Asking, asked, chosen
from store.engine import Tabled
from store.report import DatasetReport, make_report
from store.sql import quote
from workbench.errors import InputError
from workbench.filters import Filters
from workbench.types import Column

__all__ = ["Summaries"]

_UNFILTERED = ("row", "item", "uri", "offset", "length", "digest")
"""Columns that say where an item is rather than what it is."""

_EXACT_DISTINCT = 10_000


class Summaries(Asking):
    """Summaries, cached until the dataset changes. Safe to share between threads."""

    @asked
    def columns(self, dataset: str) -> tuple[Column, ...]:
        """The columns that can be filtered and sorted: sizes, format, bytes, label, metadata.

        Raises:
            UnknownName: no such dataset.
        """
        tabled = self.engine.tabled(dataset)
        return self.remember(("columns", tabled.identity), lambda: self._columns(tabled))

    @asked
    def facets(
        self, dataset: str, column: str, where: Filters = (), limit: int = 50
    ) -> list[tuple[Any, int]]:
        """(value, number of items) of the most frequent values of a column, most frequent first.

        Ties are in the order of the values. Of a list column every element counts; None stands
        for items without a value.

        Raises:
            UnknownName: no such dataset or column.
            InputError: a value in ``where`` does not fit its column.
        """
        tabled = self.engine.tabled(dataset)
        chosen(tabled, [column])
        condition = self.condition(dataset, where)
        name = quote(column)
        if tabled.kinds[column] == "list":
            name = f"unnest(coalesce({name}, [null]))"
        sql = (
            f"select value, count(*) as n from (select {name} as value from {tabled.relation} "
            f"where {condition.sql}) group by value order by n desc, value nulls last "
            f"limit {int(limit)}"
        )
        key = ("facets", tabled.identity, sql, condition.values)
        return list(self.remember(key, lambda: self.engine.rows(sql, condition.values)))

    @asked
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
        chosen(tabled, [column])
        if tabled.kinds[column] not in ("integer", "number"):
            got = f"a {tabled.kinds[column]} column"
            raise InputError(f"histogram of {column!r}", expected="a numeric column", got=got)
        if bins < 1:
            raise InputError("bins", expected="1 or more", got=str(bins))
        condition = self.condition(dataset, where)
        name = f"{quote(column)}::double"
        sql = (
            f"select {name} as value from {tabled.relation} "
            f"where ({condition.sql}) and isfinite({name})"
        )

        def ask() -> tuple[list[float], list[int]]:
            found = self.engine.arrow(sql, condition.values)["value"].to_numpy()
            if len(found) == 0:
                return [0.0, 1.0], [0]
            counts, edges = np.histogram(found, bins=bins)
            return edges.tolist(), counts.tolist()

        edges, counts = self.remember(("bins", tabled.identity, sql, condition.values, bins), ask)
        return list(edges), list(counts)

    @asked
    def report(self, dataset: str) -> DatasetReport:
        """What a dataset holds and lacks: see ``DatasetReport``.

        Raises:
            UnknownName: no such dataset.
        """
        columns = self.columns(dataset)
        items = self.engine.tabled(dataset)
        captions = self.engine.tabled(dataset, "captions")
        info = self.catalog.dataset(dataset)
        key = ("report", items.identity, info.skipped)
        return self.remember(
            key, lambda: make_report(self.engine, (items, captions), info, columns)
        )

    def _columns(self, tabled: Tabled) -> tuple[Column, ...]:
        found = []
        for name, kind in tabled.kinds.items():
            if name in _UNFILTERED:
                continue
            column = quote(name)
            value = f"unnest({column})" if kind == "list" else column
            ((distinct,),) = self.engine.rows(
                f"select count(*) from (select distinct v from (select {value} as v from "
                f"{tabled.relation}) where v is not null limit {_EXACT_DISTINCT + 1})"
            )
            ((missing,),) = self.engine.rows(
                f"select count(*) - count({column}) from {tabled.relation}"
            )
            found.append(Column(name, kind, int(distinct), int(missing)))
        return tuple(found)
