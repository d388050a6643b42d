"""Classes gathered into bins of frequency, and the line through the bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.fit import (
    Fit,
    correlation,
    correlation_p,
    draw_sums,
    interval,
    line,
    ranks,
    seen,
)
from workbench.measures.interval import Measure
from workbench.types import Rows

__all__ = [
    "ABSENT",
    "WHY_BINNING_RAISES_R",
    "ZERO",
    "Bins",
    "bin_classes",
    "fit_bins",
    "mean",
    "places",
]

ZERO = -1
"""Place of a class with a true count of 0."""
ABSENT = -2
"""Place of a class without a count or without an accuracy."""

WHY_BINNING_RAISES_R = (
    "A bin shows the mean of its classes, so the scatter of classes of equal frequency is averaged "
    "away before r is taken, and a bin of one class weighs as much as one of hundreds. The slope "
    "hardly changes; r does. Read the binned r as how straight the trend of the means is, and the "
    "per-class r as how much frequency tells about one class."
)
"""The note that stands beside both fits."""


@dataclass(frozen=True)
class Bins:
    """B bins of equal width in log10 of the count; bin b holds edge b <= log10(count) < edge b + 1.

    The last bin also holds its upper edge. Classes with a true 0 stand apart.

    Args:
        edges: float64 (B + 1,), log10 of the count.
        n: int64 (B,), classes in the bin.
        mean: float64 (B,), mean accuracy of its classes in points; NaN in an empty bin.
        low: float64 (B,), lower end of the mean's 95% bootstrap interval; NaN in an empty bin.
        high: float64 (B,), upper end.
        zero: mean accuracy of the classes with a count of 0.
        place: int64 (C,), bin of each class; ``ZERO`` for a count of 0, ``ABSENT`` for a class
            without count or accuracy.
    """

    edges: NDArray[np.float64]
    n: Rows
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    zero: Measure
    place: Rows

    @property
    def centre(self) -> NDArray[np.float64]:
        """Middle of each bin: float64 (B,), log10 of the count."""
        middle: NDArray[np.float64] = (self.edges[1:] + self.edges[:-1]) / 2
        return middle


def bin_classes(
    counts: NDArray[Any],
    accuracy: NDArray[Any],
    *,
    bins: int = 10,
    edges: NDArray[Any] | None = None,
    seed: int = 0,
) -> Bins:
    """Classes in bins of frequency, with the mean accuracy of each.

    Args:
        counts: (C,) times each concept was seen; NaN where it is not known.
        accuracy: (C,) in percent; NaN where it is not known.
        bins: how many, of equal width between the smallest and the largest logarithm.
        edges: (B + 1,) rising log10 counts instead; a class outside them is put into the nearest
            bin.
        seed: of the intervals.

    Raises:
        InputError: lengths that differ, a count below 0, no bin, or edges that do not rise.
    """
    counts, accuracy, inside, zeros = seen(counts, accuracy)
    cuts = _edges(np.log10(counts[inside]), bins) if edges is None else np.asarray(edges, float)
    if cuts.ndim != 1 or len(cuts) < 2 or not (np.diff(cuts) > 0).all():
        raise InputError("edges", expected="at least two rising numbers", got=str(cuts.tolist()))
    place = np.full(len(counts), ABSENT, dtype=np.int64)
    place[zeros] = ZERO
    place[inside] = places(np.log10(counts[inside]), cuts)
    within = [mean(accuracy[place == b], seed=seed) for b in range(len(cuts) - 1)]
    return Bins(
        edges=cuts,
        n=np.array([each.n for each in within], dtype=np.int64),
        mean=np.array([each.value for each in within]),
        low=np.array([each.low for each in within]),
        high=np.array([each.high for each in within]),
        zero=mean(accuracy[zeros], seed=seed),
        place=place,
    )


def mean(values: NDArray[np.float64], *, resamples: int = 1000, seed: int = 0) -> Measure:
    """The mean of the accuracies of some classes, with its 95% bootstrap interval over them.

    Returns:
        NaN for all figures where there is no class.
    """
    if not len(values):
        return Measure(float("nan"), float("nan"), float("nan"), 0)
    drawn = draw_sums(values[:, None], resamples=resamples, seed=seed)[:, 0] / len(values)
    return Measure(float(values.mean()), *interval(drawn), len(values))


def _edges(x: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    if bins < 1:
        raise InputError("bins", expected="at least 1", got=str(bins))
    low, high = (float(x.min()), float(x.max())) if len(x) else (0.0, 1.0)
    if not high > low:
        # one frequency only: a decade around it, so that the bin has a width
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)


def places(x: NDArray[np.float64], edges: NDArray[np.float64]) -> Rows:
    """Bin of each log10 count, those outside in the nearest: int64, as x."""
    # counts are whole: a tiny allowance keeps 10**k in the bin that begins at k
    found = np.searchsorted(edges, x + 1e-9, side="right") - 1
    return np.clip(found, 0, len(edges) - 2).astype(np.int64)


def fit_bins(bins: Bins, accuracy: NDArray[Any], *, resamples: int = 1000, seed: int = 0) -> Fit:
    """The line through the means of the bins that are not empty, each bin one point.

    Its intervals come from drawing concepts again, into the same bins; a bin that stays empty in
    a draw is left out of it.

    Args:
        bins: of ``bin_classes``.
        accuracy: (C,) the accuracies that made them, in percent.
        resamples: bootstrap draws of whole concepts.
        seed: the same seed gives the same intervals.

    Raises:
        InputError: accuracies of another number of classes than the bins.
    """
    accuracy = np.asarray(accuracy, np.float64)
    if accuracy.shape != bins.place.shape:
        got = f"{accuracy.shape}"
        raise InputError("accuracy", expected=f"{bins.place.shape} as the bins", got=got)
    full = bins.n > 0
    x, y = bins.centre[full], bins.mean[full]
    r, slope, intercept = line(_moments_of_means(bins.centre, bins.mean[None], full[None]))
    drawn_r, drawn_slope = _drawn_lines(bins, accuracy, resamples, seed)
    n, rho = int(full.sum()), correlation(ranks(x), ranks(y))
    return Fit(
        over="bins",
        r=Measure(float(r[0]), *interval(drawn_r), n),
        p=correlation_p(float(r[0]), n),
        slope=Measure(float(slope[0]), *interval(drawn_slope), n),
        intercept=float(intercept[0]),
        rho=rho,
        rho_p=correlation_p(rho, n),
        n=n,
        zeros=int((bins.place == ZERO).sum()),
        absent=int((bins.place == ABSENT).sum()),
    )


def _drawn_lines(
    bins: Bins, accuracy: NDArray[np.float64], resamples: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lines through the bins' means in each draw: r and slope, two float64 (resamples,)."""
    rows = np.flatnonzero(bins.place >= 0)
    member = np.zeros((len(rows), len(bins.n)))
    member[np.arange(len(rows)), bins.place[rows]] = 1
    values = np.concatenate((member, member * accuracy[rows, None]), axis=1)
    sums = draw_sums(values, resamples=resamples, seed=seed)
    sizes, totals = sums[:, : len(bins.n)], sums[:, len(bins.n) :]
    with np.errstate(invalid="ignore"):
        means = totals / sizes
    r, slope, _ = line(_moments_of_means(bins.centre, means, sizes > 0))
    return r, slope


def _moments_of_means(
    x: NDArray[np.float64], means: NDArray[np.float64], full: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Summed moments (S, 8) for ``line`` of S rows of bin means, empty bins left out."""
    x0 = float(x.mean())
    y0 = float(np.nanmean(means)) if full.any() else 0.0
    a = np.broadcast_to(x - x0, means.shape)
    b = np.where(full, means - y0, 0.0)
    one = np.ones_like(b)
    parts = (one, a, b, a * a, b * b, a * b, one * x0, one * y0)
    return np.stack([np.where(full, part, 0.0).sum(axis=1) for part in parts], axis=1)
