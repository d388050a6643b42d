"""Intervals for means over queries that come in groups, by resampling the groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.types import Rows

__all__ = ["grouped_mean_intervals"]

_CELLS = 1 << 22


def grouped_mean_intervals(
    values: NDArray[Any], groups: Rows, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> NDArray[np.float64]:
    """Percentile bootstrap intervals of column means, with whole groups drawn.

    Captions of one image are right or wrong together, so drawing captions one by one would give
    intervals that are too narrow; drawing images with all their captions does not.

    Args:
        values: (Q, V) one row a query, one column a quantity.
        groups: int64 (Q,), the group of each query (its image).
        resamples: bootstrap samples.
        level: share of the samples that lie inside.
        seed: the same seed gives the same intervals.

    Returns:
        float64 (V, 2), lower and upper bound; NaN when there is no query.

    Raises:
        InputError: shapes that do not fit, no resample, or a level outside (0, 1).

    Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.
    """
    if values.ndim != 2 or groups.shape != values.shape[:1]:
        got = f"{values.shape} and {groups.shape}"
        raise InputError("bootstrap", expected="values (Q, V) and groups (Q,)", got=got)
    if resamples < 1 or not 0 < level < 1:
        expected = "at least 1 resample and a level between 0 and 1"
        raise InputError("bootstrap", expected=expected, got=f"{resamples} and {level}")
    if len(values) == 0:
        return np.full((values.shape[1], 2), np.nan)
    means = _resampled(*_sums(values, groups), resamples, np.random.default_rng(seed))
    tail = (1 - level) / 2
    return np.quantile(means, [tail, 1 - tail], axis=0).T


def _sums(values: NDArray[Any], groups: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of the values (G, V) and number of the queries (G,) of each group."""
    names, inverse = np.unique(groups, return_inverse=True)
    columns = [np.bincount(inverse, weights=column, minlength=len(names)) for column in values.T]
    return np.stack(columns, axis=1), np.bincount(inverse, minlength=len(names)).astype(np.float64)


def _resampled(
    sums: NDArray[np.float64],
    sizes: NDArray[np.float64],
    resamples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Means (B, V) of ``resamples`` draws of as many groups as there are."""
    total = len(sizes)
    step = max(1, _CELLS // total)
    means = []
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = rng.integers(0, total, size=(count, total))
        drawn += (np.arange(count) * total)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * total).reshape(count, total)
        means.append((weights @ sums) / (weights @ sizes)[:, None])
    return np.concatenate(means)
