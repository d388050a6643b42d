"""Measures for images of which several labels are true."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["average_precision", "average_precisions"]


def average_precision(scores: NDArray[Any], relevant: NDArray[np.bool_]) -> float:
    """Mean precision at the places of the relevant images in the ranking by score, in [0, 1].

    Images of equal score share their place: precision is taken behind all of them, so the order
    in which they come does not matter. NaN without a relevant image.

    Args:
        scores: (N,), larger is better.
        relevant: bool (N,).
    """
    if not relevant.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], relevant[order]
    last = np.flatnonzero(np.concatenate((ranked[1:] != ranked[:-1], [True])))
    found = np.cumsum(hits)[last]
    precision = found / (last + 1)
    return float((precision * np.diff(np.concatenate(([0], found)))).sum() / found[-1])


def average_precisions(scores: NDArray[Any], relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Average precision of each class: float64 (C,), NaN for a class without images.

    Their mean over the classes with images is the mAP.

    Args:
        scores: (N, C).
        relevant: bool (N, C), which classes are true of which images.
    """
    found = [average_precision(scores[:, c], relevant[:, c]) for c in range(scores.shape[1])]
    return np.array(found, dtype=np.float64)
