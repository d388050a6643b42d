"""Two sets of answers to the same images: what one gains over the other, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.measures.interval import Measure, mean_measure
from workbench.types import Rows

__all__ = ["Paired", "mcnemar", "paired"]

_EXACT = 1000


@dataclass(frozen=True)
class Paired:
    """The second set of answers against the first.

    Args:
        difference: accuracy of the second minus that of the first, with a paired interval.
        p: of McNemar's test that neither is better.
        fixed: int64, places of the images that only the second got right.
        broken: int64, places of those that only the first got right.
        agreement: share of images with the same answer.
        kappa: agreement beyond chance, 1 at most (Cohen); NaN where chance alone agrees always.
    """

    difference: Measure
    p: float
    fixed: Rows
    broken: Rows
    agreement: float
    kappa: float


def paired(
    truth: NDArray[Any], first: NDArray[Any], second: NDArray[Any], *, seed: int = 0
) -> Paired:
    """Compare two answers to each of N images.

    Args:
        truth: (N,) classes, all known.
        first: (N,) answers before.
        second: (N,) answers after.
        seed: of the interval.

    Raises:
        InputError: arrays of different length, or no image.
    """
    if not len(truth) == len(first) == len(second) or not len(truth):
        got = f"{len(truth)}, {len(first)} and {len(second)}"
        raise InputError("comparison", expected="answers to the same images", got=got)
    before, after = first == truth, second == truth
    fixed, broken = np.flatnonzero(after & ~before), np.flatnonzero(before & ~after)
    return Paired(
        difference=mean_measure(after.astype(np.float64) - before, seed=seed),
        p=mcnemar(len(fixed), len(broken)),
        fixed=fixed,
        broken=broken,
        agreement=float(np.mean(first == second)),
        kappa=_kappa(first, second),
    )


def mcnemar(fixed: int, broken: int) -> float:
    """Two-sided p of McNemar's test: how likely such a lead is when both are equally good.

    Exact (binomial) up to 1,000 images on which the two differ, above with the chi-squared
    approximation and continuity correction. 1 when they never differ.

    Source: Q. McNemar, Psychometrika 1947; Dietterich, 1998.
    """
    from scipy.stats import binomtest, chi2

    differ = fixed + broken
    if differ == 0:
        return 1.0
    if differ <= _EXACT:
        return float(binomtest(fixed, differ, 0.5).pvalue)
    return float(chi2.sf((abs(fixed - broken) - 1) ** 2 / differ, 1))


def _kappa(first: NDArray[Any], second: NDArray[Any]) -> float:
    classes = int(max(first.max(), second.max())) + 1
    together = np.bincount(first, minlength=classes) @ np.bincount(second, minlength=classes)
    chance = float(together) / len(first) ** 2
    if chance >= 1:
        return float("nan")
    return float((np.mean(first == second) - chance) / (1 - chance))
