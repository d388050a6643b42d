"""Questions about the captions of a dataset, and which item each belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from store.asking import Asking, asked, checked_rows, int64
from workbench.filters import Filters
from workbench.types import Rows

__all__ = ["Captions"]


class Captions(Asking):
    """Captions of every dataset. Safe to share between threads."""

    @asked
    def captions(self, dataset: str, rows: Sequence[int] | Rows | None = None) -> pa.Table:
        """Captions: columns row, item_row, text; all of them, or these caption rows in order.

        Raises:
            UnknownName: no such dataset.
            InputError: a row outside the captions.
        """
        captions = self.engine.tabled(dataset, "captions")
        if rows is None:
            return self.engine.arrow(
                f"select row, item_row, text from {captions.relation} order by row"
            )
        wanted = checked_rows(dataset, rows, captions.count)
        return self.engine.arrow(
            "select t.row, t.item_row, t.text from unnest(?::bigint[]) with ordinality "
            f"as asked(r, o) join {captions.relation} t on t.row = asked.r order by asked.o",
            [wanted.tolist()],
        )

    @asked
    def captions_of(
        self, dataset: str, item_rows: Sequence[int] | Rows
    ) -> dict[int, list[tuple[int, str]]]:
        """Captions of these items: item row -> [(caption row, text)], in caption order.

        Every asked item is a key, with an empty list when it has no caption.

        Raises:
            UnknownName: no such dataset.
            InputError: a row outside the items.
        """
        count = self.engine.tabled(dataset).count
        captions = self.engine.tabled(dataset, "captions")
        wanted = checked_rows(dataset, item_rows, count).tolist()
        found: dict[int, list[tuple[int, str]]] = {row: [] for row in wanted}
        for row, item_row, text in self.engine.rows(
            f"select row, item_row, text from {captions.relation} "
            "where item_row in (select unnest(?::bigint[])) order by row",
            [wanted],
        ):
            found[item_row].append((row, text))
        return found

    @asked
    def caption_items(self, dataset: str) -> Rows:
        """For each caption row its item row: int64 (M,).

        Raises:
            UnknownName: no such dataset.
        """
        captions = self.engine.tabled(dataset, "captions")
        sql = f"select item_row from {captions.relation} order by row"
        return int64(self.engine.arrow(sql)["item_row"])

    @asked
    def caption_rows(self, dataset: str, where: Filters = (), search: str = "") -> Rows:
        """Rows of the captions whose item matches: int64, ascending.

        Raises:
            UnknownName: no such dataset or column.
            InputError: a value does not fit its column.
        """
        items = self.engine.tabled(dataset)
        captions = self.engine.tabled(dataset, "captions")
        condition = self.condition(dataset, where, search)
        sql = (
            f"select row from {captions.relation} where item_row in "
            f"(select row from {items.relation} where {condition.sql}) order by row"
        )
        return int64(self.engine.arrow(sql, condition.values)["row"])
