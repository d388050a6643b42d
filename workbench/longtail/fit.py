"""The straight line of accuracy on the logarithm of how often a concept was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.measures.interval import Measure

__all__ = [
    "Fit",
    "correlation",
    "correlation_p",
    "draw_sums",
    "fit_classes",
    "interval",
    "line",
    "ranks",
    "seen",
]

_CELLS = 1 << 22
_FLAT = 1e-12
"""A variance below this share of the mean square is rounding, not variation."""


@dataclass(frozen=True)
class Fit:
    """accuracy = intercept + slope · log10(count), with what it rests on.

    Args:
        over: ``classes`` when every class is a point, ``bins`` when every bin of frequency is.
        r: Pearson correlation in [-1, 1] with its 95% bootstrap interval; NaN where the counts or
            the accuracies do not vary.
        p: two-sided p-value of r (t-test with n - 2 degrees of freedom); NaN below 3 points.
        slope: accuracy points per tenfold frequency (per decade), with its interval.
        intercept: accuracy that the line gives at a count of 1, in points.
        rho: Spearman rank correlation of the points, in [-1, 1].
        rho_p: its two-sided p-value, by the same t-test.
        n: points of the fit.
        zeros: classes with a true count of 0; they have no logarithm and are not in the fit.
        absent: classes without a count or without an accuracy; not in the fit.
    """

    over: Literal["classes", "bins"]
    r: Measure
    p: float
    slope: Measure
    intercept: float
    rho: float
    rho_p: float
    n: int
    zeros: int
    absent: int

    def at(self, counts: NDArray[Any]) -> NDArray[np.float64]:
        """Accuracy in points that the line gives at these counts; -inf or inf at 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.log10(np.asarray(counts, dtype=np.float64))
            found: NDArray[np.float64] = self.intercept + self.slope.value * x
        return found


def fit_classes(
    counts: NDArray[Any],
    accuracy: NDArray[Any],
    *,
    images: NDArray[Any] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Fit:
    """The line through every class of known frequency and accuracy.

    Args:
        counts: (C,) times each concept was seen, 0 or more; NaN where it is not known.
        accuracy: (C,) in percent; NaN where it is not known.
        images: (C,) how many images each accuracy rests on, to weigh the classes by; None weighs
            all alike. With it, ``p`` uses Kish's effective number of classes, and ``rho`` stays
            unweighted.
        resamples: bootstrap draws of whole concepts for the intervals of r and slope.
        seed: the same seed gives the same intervals.

    Raises:
        InputError: lengths that differ, a count below 0, or a weight that is not above 0.

    Source: the log-linear trend of Udandarao et al., NeurIPS 2024; bootstrap as in Efron and
        Tibshirani, 1993, chapter 13.
    """
    counts, accuracy, inside, zeros = seen(counts, accuracy)
    weights = _weights(images, inside)
    x, y = np.log10(counts[inside]), accuracy[inside]
    n = len(x)
    moments = _moments(x, y, weights)
    r, slope, intercept = line(moments.sum(axis=0, keepdims=True))
    drawn_r, drawn_slope, _ = line(draw_sums(moments, resamples=resamples, seed=seed))
    rho = correlation(ranks(x), ranks(y))
    effective = float(weights.sum() ** 2 / (weights**2).sum()) if n else 0.0
    return Fit(
        over="classes",
        r=Measure(float(r[0]), *interval(drawn_r), n),
        p=correlation_p(float(r[0]), effective),
        slope=Measure(float(slope[0]), *interval(drawn_slope), n),
        intercept=float(intercept[0]),
        rho=rho,
        rho_p=correlation_p(rho, n),
        n=n,
        zeros=int(zeros.sum()),
        absent=len(counts) - n - int(zeros.sum()),
    )


def seen(
    counts: NDArray[Any], accuracy: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Counts and accuracies, and which classes enter a fit or stand apart as true zeros.

    Returns:
        both as float64 (C,); whether both are known and the count is above 0; whether both are
        known and the count is 0.

    Raises:
        InputError: not two rows of one length, or a count below 0.
    """
    counts, accuracy = np.asarray(counts, np.float64), np.asarray(accuracy, np.float64)
    if counts.ndim != 1 or counts.shape != accuracy.shape:
        got = f"{counts.shape} and {accuracy.shape}"
        raise InputError("frequency and accuracy", expected="two rows (C,)", got=got)
    bad = np.flatnonzero((counts < 0) | np.isinf(counts))
    if bad.size:
        got = f"{counts[bad[0]]:g} for class {int(bad[0])}"
        raise InputError("counts", expected="0 or more, or NaN where not known", got=got)
    known = np.isfinite(counts) & np.isfinite(accuracy)
    return counts, accuracy, known & (counts > 0), known & (counts == 0)


def _weights(images: NDArray[Any] | None, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    if images is None:
        return np.ones(int(inside.sum()))
    weights = np.asarray(images, np.float64)
    if weights.shape != inside.shape or not (weights[inside] > 0).all():
        got = f"shape {weights.shape}" if weights.shape != inside.shape else "a 0, less, or NaN"
        raise InputError("images", expected="a number above 0 for every class", got=got)
    return weights[inside]


def _moments(
    x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What sums to ``line``: (n, 8) of w, wx, wy, wxx, wyy, wxy, w·x0, w·y0 around the means."""
    if len(x):
        # centred, so that the differences of sums below lose no digits
        x0, y0 = float(np.average(x, weights=weights)), float(np.average(y, weights=weights))
    else:
        x0 = y0 = 0.0
    a, b = x - x0, y - y0
    parts = (np.ones_like(a), a, b, a * a, b * b, a * b, np.full_like(a, x0), np.full_like(a, y0))
    return np.stack(parts, axis=1) * weights[:, None]


def line(
    sums: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """r, slope and intercept of each row of summed moments: three float64 (B,); NaN if undefined.

    Args:
        sums: (B, 8) sums of w, wx, wy, wxx, wyy, wxy, w·x0, w·y0 with x and y taken from the
            origin (x0, y0).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        _, x, y, xx, yy, xy, x0, y0 = (sums / sums[:, :1]).T
        vx, vy, vxy = xx - x * x, yy - y * y, xy - x * y
        vx = np.where(vx > _FLAT * (1 + x0 * x0), vx, np.nan)
        vy_or_nan = np.where(vy > _FLAT * (1 + y0 * y0), vy, np.nan)
        r: NDArray[np.float64] = np.clip(vxy / np.sqrt(vx * vy_or_nan), -1, 1)
        slope: NDArray[np.float64] = vxy / vx
        intercept: NDArray[np.float64] = y + y0 - slope * (x + x0)
    return r, slope, intercept


def draw_sums(values: NDArray[np.float64], *, resamples: int, seed: int) -> NDArray[np.float64]:
    """Sums of as many rows as there are, drawn with replacement: float64 (resamples, F).

    Args:
        values: (n, F) one row a concept.
        resamples: draws.
        seed: the same seed gives the same draws.
    """
    n = len(values)
    if not n or resamples < 1:
        return np.full((max(resamples, 0), values.shape[1]), np.nan)
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // n)
    return np.concatenate(
        [
            _drawn(n, min(step, resamples - start), rng) @ values
            for start in range(0, resamples, step)
        ]
    )


def _drawn(n: int, times: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How often each of n rows is drawn in n draws: float64 (times, n)."""
    places = rng.integers(0, n, size=(times, n))
    places += (np.arange(times) * n)[:, None]
    counted = np.bincount(places.ravel(), minlength=times * n)
    return counted.reshape(times, n).astype(np.float64)


def interval(drawn: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95% of what the draws gave, draws without a value left out; NaN without any."""
    kept = drawn[~np.isnan(drawn)]
    if not kept.size:
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [0.025, 0.975])
    return float(low), float(high)


def correlation(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Pearson correlation of two rows (n,); NaN where either does not vary."""
    weights = np.ones(len(x))
    sums = _moments(np.asarray(x, np.float64), np.asarray(y, np.float64), weights)
    r, _, _ = line(sums.sum(axis=0, keepdims=True))
    return float(r[0])


def correlation_p(r: float, n: float, *, controls: int = 0) -> float:
    """Two-sided p-value of a correlation over n points; NaN below 3 points more than controls.

    It is the t-test with n - 2 - controls degrees of freedom, as an incomplete beta integral.

    Args:
        r: the correlation.
        n: points, or their effective number.
        controls: variables that were held fixed.
    """
    freedom = n - 2 - controls
    if not freedom > 0 or np.isnan(r):
        return float("nan")
    from scipy.special import betainc

    return float(betainc(freedom / 2, 0.5, max(0.0, 1 - r * r)))


def ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing the mean of theirs: float64 (n,)."""
    _, inverse, sizes = np.unique(values, return_inverse=True, return_counts=True)
    found: NDArray[np.float64] = (np.cumsum(sizes) - (sizes - 1) / 2)[inverse]
    return found
