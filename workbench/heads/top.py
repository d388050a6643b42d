"""The best classes of each image, and the place of the true one; ties go to the lower class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.heads.cores import CELLS, over_cores
from workbench.types import Floats, Rows

__all__ = ["rank_of", "top"]

_SEEDED = 4096
"""Classes up to which a bound for the heaps costs less than it saves."""
_GROUPS = 4
"""Groups for each of the best that are wanted, at least."""


def top(logits: Floats, k: int) -> tuple[NDArray[np.int32], Floats]:
    """The k best classes of each image, best first.

    Args:
        logits: float32 (b, C), finite.
        k: from 1; at most C are given.

    Returns:
        int32 (b, k) classes and float32 (b, k) logits. Of equal logits the lower class comes
        first, as argmax has it, so a second class of the same name is never first.
    """
    k = min(k, logits.shape[1])
    if k + 1 > logits.shape[1] // 2:
        return _sorted(logits, k)
    logits = np.ascontiguousarray(logits, dtype=np.float32)
    found = np.empty((len(logits), k + 1), np.int64)
    scores = np.empty((len(logits), k + 1), np.float32)
    over_cores(lambda part: _heaps(logits[part], found[part], scores[part]), logits)
    # a heap keeps any of equal logits, so rows where that can matter are done again
    tied = np.unique(np.flatnonzero(scores[:, 1:] == scores[:, :-1]) // k)
    chosen, scores = found[:, :k].astype(np.int32), np.ascontiguousarray(scores[:, :k])
    step = max(1, CELLS // logits.shape[1])
    for at in range(0, len(tied), step):
        rows = tied[at : at + step]
        chosen[rows], scores[rows] = _sorted(logits[rows], k)
    return chosen, scores


def _heaps(logits: Floats, places: Rows, values: Floats) -> None:
    """Write the largest of each row, best first: one pass with one heap a row."""
    import faiss

    # this thread is one of several already; threads of its own would spin in the way of BLAS
    faiss.omp_set_num_threads(1)
    heaps = faiss.float_minheap_array_t()
    heaps.nh, heaps.k = values.shape
    heaps.val, heaps.ids = faiss.swig_ptr(values), faiss.swig_ptr(places)
    heaps.heapify()
    if logits.shape[1] <= _SEEDED:
        # full of what is just too small, a heap is entered by the winners and few others
        values[:] = np.nextafter(_reached(logits, values.shape[1]), np.float32(-np.inf))
    heaps.addn(logits.shape[1], faiss.swig_ptr(logits))
    heaps.reorder()


def _reached(logits: Floats, k: int) -> Floats:
    """A number that at least k of each row's logits reach, few more: float32 (b, 1).

    It is the k-th of the best of groups of logits: the winners of k groups reach it.
    """
    best = logits
    while best.shape[1] >= _GROUPS * 2 * k:
        half = best.shape[1] // 2  # an odd last one, left out, could only raise the bound
        best = np.maximum(best[:, :half], best[:, half : 2 * half])
    best = np.partition(best, best.shape[1] - k, axis=1)
    return best[:, best.shape[1] - k, None]


def _sorted(logits: Floats, k: int) -> tuple[NDArray[np.int32], Floats]:
    """As ``top``, by a stable sort, which leaves equal logits in the order of their classes."""
    order = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    return order.astype(np.int32), np.take_along_axis(logits, order, axis=1)


def rank_of(logits: Floats, truth: NDArray[Any]) -> NDArray[np.int32]:
    """Place of the true class, from 1: int32 (b,); agrees with ``top``.

    Args:
        logits: float32 (b, C).
        truth: (b,) classes; -1 (unknown) has rank -1.
    """
    known = truth >= 0
    place = np.where(known, truth, 0).astype(np.int64)
    rank = np.empty(len(logits), np.int32)

    def fill(part: slice) -> None:
        own = np.take_along_axis(logits[part], place[part, None], axis=1)
        reach = logits[part] >= own
        rank[part] = reach.sum(axis=1, dtype=np.int32)
        # what reaches the own logit and comes later is a tie that the own class wins
        ties = np.flatnonzero(logits[part] == own)
        rows, classes = np.divmod(ties, logits.shape[1])
        np.subtract.at(rank[part], rows[classes > place[part][rows]], 1)

    over_cores(fill, logits)
    return np.where(known, rank, -1).astype(np.int32)
