"""A number with its 95% interval and the images it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Measure", "bootstrap", "mean_measure", "wilson"]

_CELLS = 1 << 22


@dataclass(frozen=True)
class Measure:
    """One figure.

    Args:
        value: NaN where it is not defined.
        low: lower end of the 95% interval.
        high: upper end.
        n: images it rests on.
    """

    value: float
    low: float
    high: float
    n: int


def bootstrap(
    values: NDArray[Any],
    *,
    strata: NDArray[Any] | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of values, or of the mean of the strata's means.

    Values that are few and whole (right or wrong) are drawn as counts, which is exact and needs no
    memory; others are drawn one by one.

    Args:
        values: (n,) numbers.
        strata: (n,) group of each; then each group is resampled within itself and the groups'
            means are averaged, as in mean per-class accuracy.
        resamples: bootstrap samples.
        level: share of the samples that lie inside.
        seed: the same seed gives the same interval.

    Returns:
        lower and upper bound; NaN without values.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    if not len(values):
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    groups = np.zeros(len(values), dtype=np.int64) if strata is None else strata
    _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    values = np.asarray(values, dtype=np.float64)
    if np.isin(values, (0.0, 1.0)).all():
        right = np.bincount(groups, weights=values, minlength=len(sizes))
        means = _binomial_means(right / sizes, sizes, resamples, rng)
    else:
        means = _drawn_means(values, groups, sizes, resamples, rng)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _binomial_means(
    shares: NDArray[np.float64],
    sizes: NDArray[Any],
    resamples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Drawing n of n zeros and ones with replacement gives a binomial number of ones."""
    means = np.empty(resamples)
    step = max(1, _CELLS // len(shares))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = rng.binomial(sizes, shares, size=(count, len(shares))) / sizes
        means[start : start + count] = drawn.mean(axis=1)
    return means


def _drawn_means(
    values: NDArray[np.float64],
    groups: NDArray[Any],
    sizes: NDArray[Any],
    resamples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    order = np.argsort(groups, kind="stable")
    values, starts = values[order], np.concatenate(([0], np.cumsum(sizes)[:-1]))
    first, width = np.repeat(starts, sizes), np.repeat(sizes, sizes)
    means = np.empty(resamples)
    for place in range(resamples):
        drawn = values[first + (rng.random(len(values)) * width).astype(np.int64)]
        means[place] = (np.add.reduceat(drawn, starts) / sizes).mean()
    return means


def mean_measure(
    values: NDArray[Any], *, strata: NDArray[Any] | None = None, seed: int = 0
) -> Measure:
    """The mean of values (of the strata's means) with its bootstrap interval; NaN without any."""
    if not len(values):
        return Measure(float("nan"), float("nan"), float("nan"), 0)
    values = np.asarray(values, dtype=np.float64)
    if strata is None:
        value = values.mean()
    else:
        _, groups, sizes = np.unique(strata, return_inverse=True, return_counts=True)
        value = (np.bincount(groups, weights=values) / sizes).mean()
    return Measure(float(value), *bootstrap(values, strata=strata, seed=seed), len(values))


def wilson(
    right: NDArray[Any], n: NDArray[Any], *, z: float = 1.959963984540054
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95% intervals of shares, sound for few images and for 0 and 1: two float64 arrays.

    Args:
        right: how many of ``n`` count.
        n: images; where 0, the interval is NaN.
        z: quantile of the normal distribution for the level.

    Source: E. B. Wilson, JASA 1927.
    """
    n = np.asarray(n, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.asarray(right, dtype=np.float64) / n
        centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
