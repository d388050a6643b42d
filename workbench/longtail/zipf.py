"""How steeply a corpus falls off from its frequent concepts to its rare ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.fit import correlation
from workbench.measures.interval import Measure
from workbench.types import Rows

__all__ = ["Zipf", "ranked", "zipf"]

_STARTS = 60
"""Most values tried as the start of the power law."""
_LEAST_ABOVE = 10
"""Concepts that must lie above a start that is tried."""
_Z = 1.959963984540054


@dataclass(frozen=True)
class Zipf:
    """Two exponents of the same fall, which answer different questions.

    Args:
        rank_exponent: s of count = scale / rank^s by least squares on both logarithms, over all
            concepts with a count above 0. 1 is Zipf's law. It has no interval: the points of a
            rank-frequency plot are not independent, so the usual one would be far too narrow.
        scale: count that this line gives at rank 1.
        r2: share of the variance of log count that the line explains, in [0, 1].
        size_exponent: alpha of P(count = k) ~ k^-alpha for k >= ``least``, by maximum
            likelihood, with its asymptotic 95% interval; n is the concepts it rests on. A rank
            exponent of s belongs to alpha = 1 + 1 / s.
        least: the smallest count that the power law holds for.
        distance: largest gap of the two distribution functions above ``least`` (Kolmogorov and
            Smirnov), in [0, 1]; small means that the counts do follow a power law there.
        n: concepts with a count above 0.
        zeros: concepts with a true count of 0; they have no logarithm.
        absent: concepts without a count.
    """

    rank_exponent: float
    scale: float
    r2: float
    size_exponent: Measure
    least: int
    distance: float
    n: int
    zeros: int
    absent: int

    def at(self, rank: NDArray[Any]) -> NDArray[np.float64]:
        """Count that the least-squares line gives at these ranks, from 1."""
        found: NDArray[np.float64] = self.scale * np.asarray(rank, float) ** -self.rank_exponent
        return found


def ranked(counts: NDArray[Any]) -> tuple[Rows, NDArray[np.float64]]:
    """Concepts with a count above 0, the most frequent first, and their counts, for a plot.

    Args:
        counts: (C,), NaN where not known.

    Returns:
        numbers of the concepts int64 (n,), equals by number; their counts float64 (n,). The rank
        of place i is i + 1.
    """
    counts = np.asarray(counts, np.float64)
    seen = np.flatnonzero(np.nan_to_num(counts) > 0)
    order = seen[np.argsort(-counts[seen], kind="stable")].astype(np.int64)
    return order, counts[order]


def zipf(counts: NDArray[Any], *, least: int | None = None) -> Zipf:
    """The exponents of a corpus's counts.

    Args:
        counts: (C,) whole numbers, 0 or more; NaN where not known.
        least: smallest count for the maximum-likelihood exponent; None chooses the one where the
            power law fits best, among at most 60 spread over the counts that leave at least 10
            concepts above them.

    Returns:
        NaN for what is not defined: below two different counts.

    Raises:
        InputError: a count below 0 or not whole, or ``least`` below 1.

    Source: Zipf, Human Behavior and the Principle of Least Effort, 1949; Clauset, Shalizi and
        Newman, Power-law distributions in empirical data, SIAM Review 2009, sections 3.1 to 3.3.
    """
    counts = np.asarray(counts, np.float64)
    known = counts[np.isfinite(counts)]
    if counts.ndim != 1 or (known < 0).any() or (known != np.floor(known)).any():
        raise InputError("counts", expected="whole numbers, 0 or more", got="others")
    if least is not None and least < 1:
        raise InputError("least", expected="1 or more", got=str(least))
    _, sizes = ranked(counts)
    exponent, scale, r2 = _least_squares(sizes)
    start, distance, alpha = _power_law(sizes, least)
    return Zipf(
        rank_exponent=exponent,
        scale=scale,
        r2=r2,
        size_exponent=alpha,
        least=start,
        distance=distance,
        n=len(sizes),
        zeros=int((known == 0).sum()),
        absent=len(counts) - len(known),
    )


def _least_squares(sizes: NDArray[np.float64]) -> tuple[float, float, float]:
    """Exponent, scale and r² of log count on log rank."""
    if len(np.unique(sizes)) < 2:
        return float("nan"), float("nan"), float("nan")
    x, y = np.log10(np.arange(1, len(sizes) + 1)), np.log10(sizes)
    slope = float(np.cov(x, y, bias=True)[0, 1] / x.var())
    scale = 10 ** float(y.mean() - slope * x.mean())
    return -slope, scale, correlation(x, y) ** 2


def _power_law(sizes: NDArray[np.float64], least: int | None) -> tuple[int, float, Measure]:
    """Start, distance and exponent of the power law that fits the upper counts best."""
    tried = [_from(sizes, start) for start in ([least] if least else _starts(sizes))]
    fitting = [each for each in tried if np.isfinite(each[1])]
    if not fitting:
        nan = float("nan")
        return least or 1, nan, Measure(nan, nan, nan, int((sizes >= (least or 1)).sum()))
    return min(fitting, key=lambda each: each[1])


def _starts(sizes: NDArray[np.float64]) -> list[int]:
    """Counts to start from: spread evenly over the distinct ones that leave enough above them."""
    distinct, above = np.unique(sizes), np.sort(sizes)
    left = len(above) - np.searchsorted(above, distinct)
    usable = distinct[left >= _LEAST_ABOVE]
    usable = usable if len(usable) else distinct[:1]
    places = np.unique(np.linspace(0, len(usable) - 1, min(_STARTS, len(usable))).astype(int))
    return [int(usable[place]) for place in places] if len(usable) else []


def _from(sizes: NDArray[np.float64], start: int) -> tuple[int, float, Measure]:
    """Distance and exponent with its interval for the counts from ``start`` up."""
    upper = sizes[sizes >= start]
    n, values, times = len(upper), *np.unique(upper, return_counts=True)
    if len(values) < 2:
        return start, float("nan"), Measure(float("nan"), float("nan"), float("nan"), n)
    alpha = _likeliest(float(np.log(upper).mean()), start)
    from scipy.special import zeta

    # shares of counts above each value: in the sample, and in the law
    rest = 1 - np.cumsum(times) / n
    law = zeta(alpha, values + 1) / zeta(alpha, start)
    half = float(_Z / np.sqrt(n * _curvature(alpha, start)))
    return start, float(np.abs(rest - law).max()), Measure(alpha, alpha - half, alpha + half, n)


def _likeliest(mean_log: float, start: int) -> float:
    """The alpha for which sums of ln zeta(alpha, start) + alpha · mean ln count is least."""
    from scipy.optimize import minimize_scalar
    from scipy.special import zeta

    def loss(alpha: float) -> float:
        # relative to start^-alpha, which would underflow for large starts
        return float(np.log(zeta(alpha, start)) + alpha * mean_log)

    # zeta(alpha, q) ~ q^(1 - alpha) / (alpha - 1) must stay a normal number
    high = min(20.0, 1 + 300 / max(1.0, np.log10(start)))
    found = minimize_scalar(loss, bounds=(1 + 1e-6, high), method="bounded")
    return float(found.x)


def _curvature(alpha: float, start: int, step: float = 1e-4) -> float:
    """Second derivative of ln zeta(alpha, start): information of one count about alpha."""
    from scipy.special import zeta

    step = min(step, (alpha - 1) / 4)
    around = np.log(zeta(np.array([alpha - step, alpha, alpha + step]), start))
    return float((around[0] - 2 * around[1] + around[2]) / step**2)
