"""Nearest rows of a query: through an index where there is one, exact with any filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from store.index_cover import coverage
from store.index_plan import IndexPlan
from store.index_reader import Reader, Readers
from store.index_search import Search
from workbench.errors import InputError, WorkspaceDamaged
from workbench.types import Floats, Hits, IndexInfo, Rows, Side

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["Indexes"]


class Indexes:
    """FAISS indexes over the vectors of a workspace, and search with or without one.

    Args:
        workspace: its vectors and catalog are used.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.root, self.catalog = workspace.root, workspace.catalog
        self.vectors = workspace.vectors
        self._readers = Readers()

    def all(self) -> tuple[IndexInfo, ...]:
        """Every index, oldest first."""
        return tuple(info for info, _ in self.catalog.indexes())

    def info(self, dataset: str, model_key: str, side: Side) -> IndexInfo | None:
        """The index over dataset × model × side; None when none was built."""
        found = self.catalog.index(dataset, model_key, side)
        return None if found is None else found[0]

    def build(
        self,
        dataset: str,
        model_key: str,
        side: Side,
        *,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        plan: IndexPlan | None = None,
        seed: int = 0,
    ) -> IndexInfo:
        """Build and publish the index over the rows with a vector, from row 0 to the first gap.

        An index over the same rows is kept as it is, unless a plan asks for another kind.

        Args:
            dataset: name.
            model_key: key of the model.
            side: ``image`` or ``caption``.
            progress: called with (rows done, rows in all); a measured kind passes over them twice.
            should_stop: asked between blocks and rounds of training.
            plan: the kind to build; by default the one that ``index_plan.plan`` chooses.
            seed: of samples and cell centres; the same seed gives the same file.

        Raises:
            InputError: row 0 has no vector yet.
            Cancelled: ``should_stop`` said so; nothing was changed.
            DiskFull: no room for the file; nothing was changed.
        """
        from store.index_build import Builder

        cover = coverage(self.catalog.database, dataset, model_key, side)
        kept = self.info(dataset, model_key, side)
        if kept and kept.rows == cover.prefix and (plan is None or plan.kind == kept.kind):
            return kept
        builder = Builder(
            self.root,
            self.catalog,
            self.vectors,
            progress=progress,
            should_stop=should_stop,
            seed=seed,
        )
        return builder.build((dataset, model_key, side), cover, plan)

    def search(  # noqa: PLR0917  # the three names of a side, then the question
        self,
        dataset: str,
        model_key: str,
        side: Side,
        queries: Floats,
        k: int,
        rows: Rows | None = None,
    ) -> Hits:
        """The k best rows of each query, highest score first, equal scores by row.

        Args:
            dataset: name.
            model_key: key of the model.
            side: ``image`` or ``caption``.
            queries: (Q, D) float32.
            k: results a query; more than there are gives all, to the end of the ranking.
            rows: the rows that may be found (a filter); None for all. Rows without a vector are
                left out; order and repeats do not matter.

        Returns:
            ``Hits`` with K = min(k, rows considered). ``exact`` is False only when cells answered.

        Raises:
            InputError: k below 1, or queries that are not finite (Q, D).
            WorkspaceDamaged: the index or a vector file is missing or not what it should be.
        """
        if k < 1:
            raise InputError("search", expected="k of 1 or more", got=str(k))
        search = self._prepared((dataset, model_key, side), rows)
        asked = _checked(queries, search.cover.dim)
        k = min(k, search.considered)
        found, exact = search.ranked(asked, k) if k else ([], True)
        hits = np.full((len(asked), k), -1, dtype=np.int64)
        scores = np.full((len(asked), k), -np.inf, dtype=np.float32)
        for i, (ranked, values) in enumerate(found):
            hits[i], scores[i] = ranked, values
        return Hits(hits, scores, search.considered, exact)

    def scores(
        self, dataset: str, model_key: str, side: Side, query: Floats, rows: Rows | None = None
    ) -> Floats:
        """The score of every allowed row that has a vector: float32 (n,), in ascending rows.

        The same numbers as the scores of ``search``, and the same errors. ``query``: (D,).
        """
        search = self._prepared((dataset, model_key, side), rows)
        (asked,) = _checked(query[None], search.cover.dim)
        return search.scored(asked)[1]

    def close(self) -> None:
        """Close every index file."""
        self._readers.close()

    def _prepared(self, key: tuple[str, str, Side], rows: Rows | None) -> Search:
        cover = coverage(self.catalog.database, *key)
        allowed = None if rows is None else cover.keep(np.asarray(rows, dtype=np.int64))
        return Search(key, self.vectors, cover, self._reader(key), allowed)

    def _reader(self, key: tuple[str, str, Side]) -> Reader | None:
        """The index of a side, opened; None when there is none or its kind needs no file."""
        for attempt in (1, 2):
            found = self.catalog.index(*key)
            if found is None or found[1] is None:
                return None
            try:
                return self._readers.get(self.root / found[1], found[0])
            except WorkspaceDamaged:
                if attempt == 2:  # the first time it may have been replaced while we looked
                    raise
        return None


def _checked(queries: Floats, dim: int) -> Floats:
    """Queries as float32 (Q, D), refused when they do not fit; any D while nothing is embedded."""
    asked = np.ascontiguousarray(queries, dtype=np.float32)
    if asked.ndim != 2 or (dim and asked.shape[1] != dim) or not np.isfinite(asked).all():
        expected = f"finite numbers of shape (Q, {dim or 'D'})"
        raise InputError("query vectors", expected=expected, got=f"shape {asked.shape}")
    return asked
