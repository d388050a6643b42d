"""The best classes of each image, and the place of the true one; ties go to the lower class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.types import Floats

__all__ = ["rank_of", "top"]


def top(logits: Floats, k: int) -> tuple[NDArray[np.int32], Floats]:
    """The k best classes of each image, best first.

    Args:
        logits: float32 (b, C), finite.
        k: at most C are given.

    Returns:
        int32 (b, k) classes and float32 (b, k) logits. Of equal logits the lower class comes
        first, as argmax has it, so a second class of the same name is never first.
    """
    classes = logits.shape[1]
    k = min(k, classes)
    if k < classes:
        # A few more than k, so that ties at the edge can be settled by the class number.
        edge = np.partition(logits, classes - k, axis=1)[:, classes - k]
        chosen = np.empty((len(logits), k), dtype=np.int64)
        above = logits > edge[:, None]
        equal = logits == edge[:, None]
        room = k - above.sum(axis=1)
        plain = equal.sum(axis=1) == room
        kept = above | equal
        chosen[plain] = np.nonzero(kept[plain])[1].reshape(-1, k)
        for row in np.flatnonzero(~plain):
            tied = np.flatnonzero(equal[row])[: room[row]]
            chosen[row] = np.sort(np.concatenate([np.flatnonzero(above[row]), tied]))
    else:
        chosen = np.broadcast_to(np.arange(classes), logits.shape).copy()
    scores = np.take_along_axis(logits, chosen, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")  # ascending classes: ties stay in order
    return (
        np.take_along_axis(chosen, order, axis=1).astype(np.int32),
        np.take_along_axis(scores, order, axis=1),
    )


def rank_of(logits: Floats, truth: NDArray[Any]) -> NDArray[np.int32]:
    """Place of the true class, from 1: int32 (b,); agrees with ``top``.

    Args:
        logits: float32 (b, C).
        truth: (b,) classes; -1 (unknown) has rank -1.
    """
    known = truth >= 0
    own = np.take_along_axis(logits, np.where(known, truth, 0)[:, None].astype(np.int64), axis=1)
    above = (logits > own).sum(axis=1)
    before = (logits == own) & (np.arange(logits.shape[1]) < truth[:, None])
    rank = 1 + above + before.sum(axis=1)
    return np.where(known, rank, -1).astype(np.int32)
