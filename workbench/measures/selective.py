"""Errors among the images that a model is most sure of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["aurc", "risk_coverage"]


def risk_coverage(
    confidence: NDArray[Any], right: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coverage and error rate when only the most confident images are answered.

    Images of equal confidence are answered together: the error among them counts as spread evenly.

    Args:
        confidence: (N,).
        right: (N,) whether the answer was right.

    Returns:
        float64 (N,) coverages 1/N ... 1 and float64 (N,) risks.
    """
    n = len(confidence)
    order = np.argsort(-np.asarray(confidence), kind="stable")
    wrong = 1.0 - np.asarray(right, dtype=np.float64)[order]
    sure = np.asarray(confidence)[order]
    starts = np.flatnonzero(np.concatenate(([True], sure[1:] != sure[:-1]))) if n else order
    sizes = np.diff(np.concatenate((starts, [n])))
    even = np.repeat(np.add.reduceat(wrong, starts) / sizes, sizes) if n else wrong
    count = np.arange(1, n + 1)
    return count / max(1, n), np.cumsum(even) / count


def aurc(confidence: NDArray[Any], right: NDArray[Any]) -> float:
    """Area under the risk-coverage curve: mean risk over all coverages, in [0, 1]; NaN if none.

    Source: Geifman, Uziel and El-Yaniv, ICLR 2019.
    """
    if not len(confidence):
        return float("nan")
    return float(risk_coverage(confidence, right)[1].mean())
