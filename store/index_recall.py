"""How many of the true nearest an index finds, on queries like those it will be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from store.database import Database
from store.index_cover import coverage
from store.index_scores import as_float32
from store.vectors import Vectors
from workbench.types import Floats, Rows, Side

__all__ = ["WANTED_RECALL", "half_recall", "sample_queries", "tune_visits"]

WANTED_RECALL = 0.999
"""Float16 is kept when it finds this share of the ten nearest in float32."""

_CELL_RECALL = 0.95
"""Cells are visited until a search finds this share of the true ten nearest."""

_QUERIES = 256
_DEPTH = 10
_LEVEL = 1e-6
"""A result this much below the tenth true score still counts: it is a tie."""


def sample_queries(
    database: Database, vectors: Vectors, key: tuple[str, str, Side], rows: int, seed: int
) -> Floats:
    """Up to 256 queries float32 (Q, D): half from the other side of the dataset, if it is embedded.

    Texts ask for images and lie elsewhere in the space, so vectors of the own side alone would
    flatter the index. Those are moved a little (cosine 0.9), so that none finds itself.
    """
    dataset, model, side = key
    rng = np.random.default_rng([seed, 1])
    other: Side = "caption" if side == "image" else "image"
    there = coverage(database, dataset, model, other)
    across = 0
    parts = []
    if there.dim and there.dim == coverage(database, *key).dim:
        across = min(_QUERIES // 2, there.count)
        chosen = np.sort(rng.choice(there.rows(), across, replace=False))
        parts.append(vectors.take(dataset, model, other, chosen))
    own = min(_QUERIES - across, rows)
    chosen = np.sort(rng.choice(rows, own, replace=False))
    parts.append(_moved(vectors.take(dataset, model, side, chosen), rng))
    return np.ascontiguousarray(np.concatenate(parts))


def half_recall(
    queries: Floats,
    blocks: Iterable[tuple[int, NDArray[Any]]],
    take: Callable[[Rows], Floats],
) -> float:
    """recall@10 of float16 vectors against the float32 ones they come from, in [0, 1].

    Args:
        queries: (Q, D).
        blocks: (first row, float32 vectors) over the whole collection.
        take: float32 vectors of given rows.
    """
    whole, half = _Nearest(queries), _Nearest(queries)
    for start, block in blocks:
        vectors = as_float32(block)
        whole.add(start, vectors)
        half.add(start, vectors.astype(np.float16).astype(np.float32))
    bound = whole.scores[:, -1] - _LEVEL
    found = [
        np.einsum("kd,d->k", take(rows), query)
        for query, rows in zip(queries, half.rows, strict=True)
    ]
    return float(np.mean(np.stack(found) >= bound[:, None]))


def tune_visits(
    index: Any, queries: Floats, check: Callable[[], None] = lambda: None
) -> tuple[float, int]:
    """Set ``nprobe`` to the fewest cells (a power of two) that reach a recall@10 of 0.95.

    Args:
        index: a filled IVF index; its ``nprobe`` is changed.
        queries: (Q, D).
        check: called between searches; may raise to stop.

    Returns:
        The recall against visiting every cell, and the number of cells.
    """
    depth = min(_DEPTH, index.ntotal)
    truth = np.concatenate(
        [_searched(index, part, depth, index.nlist, check) for part in np.array_split(queries, 8)]
    )
    visits = 1
    while True:
        found = _searched(index, queries, depth, visits, check)
        recall = float(np.mean(found >= truth[:, -1:] - _LEVEL))
        if recall >= _CELL_RECALL or visits >= index.nlist:
            index.nprobe = visits
            return recall, visits
        visits = min(index.nlist, visits * 2)


class _Nearest:
    """The ten nearest of each query among the blocks added so far."""

    def __init__(self, queries: Floats) -> None:
        self._queries = queries
        self.scores = np.zeros((len(queries), 0), dtype=np.float32)
        self.rows = np.zeros((len(queries), 0), dtype=np.int64)

    def add(self, start: int, vectors: Floats) -> None:
        depth = min(_DEPTH, len(vectors))
        scores, rows = faiss.knn(self._queries, vectors, depth, metric=faiss.METRIC_INNER_PRODUCT)
        scores = np.concatenate([self.scores, scores], axis=1)
        rows = np.concatenate([self.rows, rows + start], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :_DEPTH]
        self.scores = np.take_along_axis(scores, order, axis=1)
        self.rows = np.take_along_axis(rows, order, axis=1)


def _searched(
    index: Any, queries: Floats, depth: int, visits: int, check: Callable[[], None]
) -> Floats:
    check()
    scores: Floats = index.search(queries, depth, params=faiss.SearchParametersIVF(nprobe=visits))[
        0
    ]
    return scores


def _moved(vectors: Floats, rng: np.random.Generator) -> Floats:
    """Unit vectors at a cosine of about 0.9 to these."""
    noise = rng.standard_normal(vectors.shape, dtype=np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    mixed = vectors + 0.48 * noise
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), dtype=np.float32)
