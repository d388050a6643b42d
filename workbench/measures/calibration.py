"""Whether confidence means what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError

__all__ = [
    "BINS",
    "binned_gap",
    "classwise_ece",
    "ece",
    "log_softmax",
    "reliability",
    "temperature",
]

BINS = 15
"""Equal bins of confidence, as in Guo et al., ICML 2017."""


def _places(confidence: NDArray[Any], bins: int) -> NDArray[np.int64]:
    """Bin of each confidence: bin i holds (i / bins, (i + 1) / bins]; 0 itself lies in none: -1."""
    found: NDArray[np.int64] = np.ceil(np.asarray(confidence, np.float64) * bins - 1e-12).astype(
        np.int64
    )
    return np.minimum(found, bins) - 1


def ece(confidence: NDArray[Any], right: NDArray[Any], *, bins: int = BINS) -> float:
    """Expected calibration error: mean gap of accuracy and confidence over bins, in [0, 1].

    Args:
        confidence: (N,) in [0, 1].
        right: (N,) whether the answer was right.
        bins: of equal width; a confidence of exactly 0 lies in none, as in the original code.

    Returns:
        NaN without images.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3.
    """
    if not len(confidence):
        return float("nan")
    groups = np.zeros(len(confidence), dtype=np.int64)
    return float(binned_gap(confidence, right, groups=groups, count=1, bins=bins)[0])


def binned_gap(
    confidence: NDArray[Any],
    right: NDArray[Any],
    *,
    groups: NDArray[Any],
    count: int,
    bins: int = BINS,
) -> NDArray[np.float64]:
    """ECE of each group of images: float64 (count,), NaN for a group without images.

    Args:
        confidence: (N,) in [0, 1].
        right: (N,).
        groups: (N,) in [0, count).
        count: number of groups.
        bins: of equal width.
    """
    places = _places(confidence, bins)
    inside = places >= 0
    cells = np.asarray(groups)[inside] * bins + places[inside]
    gap = np.asarray(right, np.float64)[inside] - np.asarray(confidence, np.float64)[inside]
    sums = np.bincount(cells, weights=gap, minlength=count * bins).reshape(count, bins)
    sizes = np.bincount(groups, minlength=count)
    found: NDArray[np.float64] = np.full(count, np.nan)
    np.divide(np.abs(sums).sum(axis=1), sizes, out=found, where=sizes > 0)
    return found


def reliability(
    confidence: NDArray[Any], right: NDArray[Any], *, bins: int = BINS
) -> tuple[tuple[float, float, float, int], ...]:
    """For each bin of confidence: mean confidence, accuracy, share of all images, images."""
    places, total = _places(confidence, bins), max(1, len(confidence))
    found = []
    for place in range(bins):
        inside = places == place
        n = int(inside.sum())
        if n:
            values = float(np.mean(confidence[inside])), float(np.mean(right[inside]))
        found.append((*(values if n else (0.0, 0.0)), n / total, n))
    return tuple(found)


def log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Logarithms of the softmax over the last axis: float64."""
    shifted = np.asarray(logits, np.float64) - np.max(logits, axis=-1, keepdims=True)
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return found


def temperature(logits: NDArray[Any], truth: NDArray[Any]) -> float:
    """The T for which softmax(logits / T) gives the truth the largest likelihood; above 0.

    The argmax never changes. Found by bounded minimisation over log T, in which the negative
    log-likelihood has a single minimum, from T = 0.001 to 1,000.

    Args:
        logits: (n, C) of held-out images.
        truth: (n,) classes.

    Raises:
        InputError: no image.

    Source: Guo et al., ICML 2017, section 4.2.
    """
    if not len(truth):
        raise InputError("temperature", expected="at least one held-out image", got="none")
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_t: float) -> float:
        return -float(log_softmax(logits / np.exp(log_t))[rows, truth].mean())

    found = minimize_scalar(loss, bounds=(np.log(1e-3), np.log(1e3)), method="bounded")
    return float(np.exp(found.x))


def classwise_ece(
    probabilities: NDArray[Any], truth: NDArray[Any], *, bins: int = BINS, least: float = 1e-3
) -> float:
    """ECE of every class's probability against "is it this class", averaged over classes.

    Args:
        probabilities: (N, C).
        truth: (N,) classes.
        bins: of equal width.
        least: probabilities below are left out: almost all are nearly 0, and would make the
            measure vanish as C grows. The mean is over the rest of each class.

    Returns:
        NaN when nothing is left.

    Source: Kull et al., NeurIPS 2019, with the threshold stated here.
    """
    rows, columns = np.nonzero(probabilities >= least)
    if not len(rows):
        return float("nan")
    gaps = binned_gap(
        probabilities[rows, columns],
        truth[rows] == columns,
        groups=columns,
        count=probabilities.shape[1],
        bins=bins,
    )
    return float(np.nanmean(gaps))
