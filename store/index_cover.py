"""Which rows of a side have vectors: from the catalog alone, once a search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from store.database import Database
from workbench.types import Rows, Side

__all__ = ["Coverage", "coverage"]


@dataclass(frozen=True)
class Coverage:
    """The rows of one side that have a vector.

    Args:
        starts, stops: int64 (S,), ascending ranges that do not touch.
        dim: D; 0 when there is no vector.
        dtypes: how they are stored.
    """

    starts: Rows
    stops: Rows
    dim: int
    dtypes: frozenset[str]

    @property
    def count(self) -> int:
        """Number of rows with a vector."""
        return int((self.stops - self.starts).sum())

    @property
    def prefix(self) -> int:
        """Rows 0 to prefix - 1 have a vector, row ``prefix`` has none."""
        return int(self.stops[0]) if len(self.stops) and self.starts[0] == 0 else 0

    def rows(self, start: int = 0) -> Rows:
        """int64: every row from ``start`` on that has a vector, ascending."""
        spans = [
            np.arange(max(a, start), b)
            for a, b in zip(self.starts.tolist(), self.stops.tolist(), strict=True)
            if b > start
        ]
        return np.concatenate([np.zeros(0, np.int64), *spans])

    def keep(self, rows: Rows) -> Rows:
        """int64, ascending, distinct: those of the given rows that have a vector."""
        if len(rows) > 1 and not np.all(rows[1:] > rows[:-1]):
            rows = np.unique(rows)
        if self.count == self.prefix:
            first, last = np.searchsorted(rows, [0, self.prefix])
            return rows[first:last]
        at = np.searchsorted(self.starts, rows, side="right") - 1
        return rows[(at >= 0) & (rows < self.stops[at])]


def coverage(database: Database, dataset: str, model: str, side: Side) -> Coverage:
    """The coverage of dataset × model key × side now; empty where nothing is embedded."""
    side_of = "from vectors where dataset=? and model=? and side=?"
    whole = database.one(
        "select min(start) as start, max(stop) as stop, sum(stop - start) as count, "
        f"max(dim) as dim, group_concat(distinct dtype) as dtypes {side_of}",
        (dataset, model, side),
    )
    if whole is None or whole["count"] is None:
        return Coverage(np.zeros(0, np.int64), np.zeros(0, np.int64), 0, frozenset())
    dim, dtypes = whole["dim"], frozenset(whole["dtypes"].split(","))
    if whole["count"] == whole["stop"] - whole["start"]:  # no gap, in one third of the time
        return Coverage(np.array([whole["start"]]), np.array([whole["stop"]]), dim, dtypes)
    shards = database.all(f"select start, stop {side_of} order by start", (dataset, model, side))
    starts = np.array([shard["start"] for shard in shards], dtype=np.int64)
    stops = np.array([shard["stop"] for shard in shards], dtype=np.int64)
    opens = np.ones(len(shards), dtype=bool)
    opens[1:] = starts[1:] > stops[:-1]
    return Coverage(starts[opens], stops[np.roll(opens, -1)], dim, dtypes)
