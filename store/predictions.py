"""The predictions of zero-shot runs: read once, filtered and sorted in memory.

The columns that are asked about are a few numbers an image, so a million predictions take 40 MB
and a filter some milliseconds; the long lists stay in the file's own layout.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from store.runs import Run, Runs
from store.tables import Tables
from workbench.errors import InputError
from workbench.filters import Filters
from workbench.types import Rows

__all__ = ["Order", "Predictions", "Wanted"]

TABLE = "predictions"
SORTED_BY = ("row", "margin", "confidence", "entropy", "rank", "truth", "predicted")
_KEPT_RUNS = 4

Order = tuple[str, Literal["asc", "desc"]]


@dataclass(frozen=True)
class Wanted:
    """Which predictions of a run.

    Args:
        where: conditions on columns of the item.
        search: words in its texts.
        truth: true class.
        predicted: the answer.
        correct: right ones, wrong ones (without the unlabelled), or all.
        confidence: lowest and highest, both included.
        margin: lowest and highest, both included.
        rows: only these items.
        without: not these items.
    """

    where: Filters = ()
    search: str = ""
    truth: int | None = None
    predicted: int | None = None
    correct: bool | None = None
    confidence: tuple[float, float] | None = None
    margin: tuple[float, float] | None = None
    rows: Rows | None = None
    without: Rows | None = None


class Predictions:
    """Predictions of every run; the last few asked for stay in memory. Safe between threads.

    Args:
        runs: of the workspace.
        tables: of the workspace.
    """

    def __init__(self, runs: Runs, tables: Tables) -> None:
        self.runs, self.tables = runs, tables
        self._kept: OrderedDict[tuple[str, float], pa.Table] = OrderedDict()
        self._lock = threading.Lock()

    def table(self, run: Run) -> pa.Table:
        """Every prediction of a run, with the answer as column ``predicted``.

        Raises:
            UnknownName: the run has no predictions.
            WorkspaceDamaged: the file is missing or unreadable.
        """
        key = (run.key, run.created)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = self.runs.table(run, TABLE).combine_chunks()
        top = found["top"].combine_chunks()
        width = top.type.list_size
        best = top.flatten().to_numpy()[::width] if len(found) else np.empty(0, np.int32)
        found = found.append_column("predicted", pa.array(best, pa.int32()))
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _KEPT_RUNS:
                self._kept.popitem(last=False)
        return found

    def places(self, run: Run, wanted: Wanted, order: Order = ("row", "asc")) -> Rows:
        """Places in the run's table of the predictions wanted, in an order: int64.

        Equal values stand in ascending rows.

        Raises:
            InputError: an order by something else.
        """
        column, way = order
        if column not in SORTED_BY:
            expected = f"one of {', '.join(SORTED_BY)}"
            raise InputError("order of predictions", expected=expected, got=repr(column))
        table = self.table(run)
        found: Rows = np.flatnonzero(self._matches(run, table, wanted))
        if column == "row":
            return found if way == "asc" else found[::-1].copy()
        values = table[column].to_numpy()[found]
        keys = values if way == "asc" else -values
        ordered: Rows = found[np.argsort(keys, kind="stable")]
        return ordered

    def _matches(self, run: Run, table: pa.Table, wanted: Wanted) -> NDArray[np.bool_]:
        truth, predicted = table["truth"].to_numpy(), table["predicted"].to_numpy()
        found = np.ones(len(truth), dtype=bool)
        if wanted.truth is not None:
            found &= truth == wanted.truth
        if wanted.predicted is not None:
            found &= predicted == wanted.predicted
        if wanted.correct is not None:
            found &= (truth == predicted) == wanted.correct
            found &= truth >= 0
        for name in ("confidence", "margin"):
            ends = getattr(wanted, name)
            if ends is not None:
                values = table[name].to_numpy()
                found &= (values >= ends[0]) & (values <= ends[1])
        if wanted.where or wanted.search:
            dataset = str(run.params["dataset"])
            allowed = self.tables.rows(dataset, wanted.where, wanted.search)
            found &= np.isin(table["row"].to_numpy(), allowed)
        if wanted.rows is not None:
            found &= np.isin(table["row"].to_numpy(), wanted.rows)
        if wanted.without is not None:
            found &= ~np.isin(table["row"].to_numpy(), wanted.without)
        return found
