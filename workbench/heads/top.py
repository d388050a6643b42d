"""The best classes of each image, and the place of the true one; ties go to the lower class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.heads.cores import over_cores
from workbench.types import Floats

__all__ = ["rank_of", "top"]

_CELLS = 1 << 19
"""Logits looked at together here: enough that the passes outweigh starting them."""
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
    if k > logits.shape[1] // 2:
        return _sorted(logits, k)
    logits = np.ascontiguousarray(logits, dtype=np.float32)
    chosen = np.empty((len(logits), k), np.int32)
    scores = np.empty((len(logits), k), np.float32)

    def fill(part: slice) -> None:
        chosen[part], scores[part] = _picked(logits[part], k)

    over_cores(fill, logits, _CELLS)
    return chosen, scores


def _picked(logits: Floats, k: int) -> tuple[NDArray[np.int64], Floats]:
    """As ``top``: only what reaches a bound is sorted, a few logits a row."""
    rows, classes = logits.shape
    places = np.flatnonzero(logits >= _reached(logits, k))
    starts = np.searchsorted(places, np.arange(rows + 1) * classes)
    # a table with the few of each row, in the order of their classes, and nothing behind them
    at = starts[:-1, None] + np.arange(int(np.diff(starts).max(initial=0)))
    few = places[np.minimum(at, len(places) - 1)]
    values = np.where(at < starts[1:, None], logits.reshape(-1)[few], np.float32(-np.inf))
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    chosen = np.take_along_axis(few, order, axis=1) - np.arange(rows)[:, None] * classes
    return chosen, np.take_along_axis(values, order, axis=1)


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
