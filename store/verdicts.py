"""What people found mistakes to be."""

from __future__ import annotations

import time

import numpy as np

from store.catalog import Catalog
from workbench.types import Rows

__all__ = ["Verdicts"]


class Verdicts:
    """Verdicts on items, kept by dataset name and item id, so that they survive a new import.

    A verdict is about the image and its label, so it holds for every run.

    Args:
        catalog: of the workspace.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.database = catalog, catalog.database

    def put(self, dataset: str, item: str, category: str, note: str = "") -> None:
        """Replace the verdict on an item; an empty category removes it.

        Raises:
            UnknownName: no such dataset.
        """
        self.catalog.identity(dataset)
        with self.database.write() as connection:
            if category:
                connection.execute(
                    "insert into verdicts values (?, ?, ?, ?, ?) on conflict (dataset, item) do "
                    "update set category=excluded.category, note=excluded.note, "
                    "changed=excluded.changed",
                    (dataset, item, category, note, time.time()),
                )
            else:
                connection.execute(
                    "delete from verdicts where dataset=? and item=?", (dataset, item)
                )

    def all(self, dataset: str) -> dict[str, tuple[str, str]]:
        """Every verdict of a dataset: item id -> (category, note)."""
        rows = self.database.all(
            "select item, category, note from verdicts where dataset=? order by item", (dataset,)
        )
        return {row["item"]: (row["category"], row["note"]) for row in rows}

    def rows(self, dataset: str, category: str | None = None) -> Rows:
        """Rows of the dataset's items with a verdict, or with this one: int64, ascending.

        Raises:
            UnknownName: no such dataset.
        """
        number, _ = self.catalog.identity(dataset)
        found = self.database.all(
            "select i.row from verdicts v join items i on i.dataset=?1 and i.item=v.item "
            "where v.dataset=?2 and (?3 is null or v.category=?3) order by i.row",
            (number, dataset, category),
        )
        return np.array([row["row"] for row in found], dtype=np.int64)
