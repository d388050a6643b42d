"""The best classes of each image, and the place of the true one; ties go to the lower class."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.types import Floats

__all__ = ["rank_of", "top"]

_CELLS = 1 << 18
"""Logits looked at together: a megabyte, which stays in the processor's cache."""
_THREADS = min(4, os.cpu_count() or 1)


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
    chosen = np.empty((len(logits), k), np.int32)
    scores = np.empty((len(logits), k), logits.dtype)

    def fill(part: slice) -> None:
        chosen[part], scores[part] = _best(logits[part], k)

    _in_parts(fill, logits)
    return chosen, scores


def _in_parts(work: Callable[[slice], None], logits: Floats) -> None:
    """Do the work for some images at a time, on several cores: numpy lets go of the lock."""
    step = max(1, _CELLS // logits.shape[1])
    parts = [slice(at, at + step) for at in range(0, len(logits), step)]
    if len(parts) < 2:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, parts))


def _best(logits: Floats, k: int) -> tuple[NDArray[np.int32], Floats]:
    """As ``top``, of few images; sorts only what can be among the best."""
    flat = np.flatnonzero(logits >= _floor(logits, k)[:, None])
    rows, classes = np.divmod(flat, logits.shape[1])
    counts = np.bincount(rows, minlength=len(logits))
    place = np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (len(logits), int(counts.max(initial=k)))
    found, scores = np.zeros(shape, np.int32), np.full(shape, -np.inf, logits.dtype)
    found[rows, place] = classes
    scores[rows, place] = logits.ravel()[flat]
    # the candidates of a row ascend by class, and a stable sort leaves ties in that order
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _floor(logits: Floats, k: int) -> Floats:
    """float32 (b,): a number that at least k logits of each row reach, and few more do.

    The classes are dealt into groups; the k-th largest of the groups' maxima is reached by k
    logits at least. That is one pass over the logits, where a partition of them takes several.
    """
    classes, groups = logits.shape[1], 8 * k
    if 2 * groups > classes:
        return _kth(logits, k)
    largest = logits[:, :groups].copy()
    for at in range(groups, classes, groups):
        dealt = logits[:, at : at + groups]
        here = largest[:, : dealt.shape[1]]
        np.maximum(here, dealt, out=here)
    return _kth(largest, k)


def _kth(values: Floats, k: int) -> Floats:
    """The k-th largest number of each row: float32 (b,)."""
    found: Floats = np.partition(values, values.shape[1] - k, axis=1)[:, -k]
    return found


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

    _in_parts(fill, logits)
    return np.where(known, rank, -1).astype(np.int32)
