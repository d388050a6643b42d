"""Which classes or concepts an expert serves, and whether that is more than chance.

The question is asked of inputs, not of tokens: sixty patches of one cat are routed alike, and
counting them as sixty observations would make everything significant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.records import Counts
from workbench.types import Rows

__all__ = ["Served", "benjamini_hochberg", "members_of", "specificity"]

_LEAST = 5
_FLAT = 1e-9


@dataclass(frozen=True)
class Served:
    """What each expert of one layer gets of each class.

    Args:
        n: int64 (C,), inputs of the class that passed the layer.
        share: (E, C), mean over those inputs of the share of their tokens that chose the expert.
        base: (E,), the same over all inputs.
        lift: (E, C), ``share / base``: 1 is no preference; NaN where nothing reaches the expert.
        p: (E, C), probability of at least that share if the class were a draw of inputs by lot;
            NaN for a class with too few inputs, and for an expert that treats all inputs alike.
        q: (E, C), ``p`` adjusted for the number of tests of the layer (Benjamini-Hochberg): among
            the pairs with ``q <= 0.05``, one in twenty is expected to be there by chance.
    """

    n: Rows
    share: Counts
    base: Counts
    lift: Counts
    p: Counts
    q: Counts

    def top(self, expert: int, most: int = 20, level: float = 0.05) -> Rows:
        """Classes that an expert serves with ``q`` at most ``level``, greatest lift first."""
        sure = np.flatnonzero(np.nan_to_num(self.q[expert], nan=1.0) <= level)
        order = np.argsort(-self.lift[expert, sure], kind="stable")
        return sure[order][:most].astype(np.int64)


def members_of(labels: NDArray[Any]) -> tuple[Rows, Rows]:
    """Inputs that have a class, and the class of each: what ``specificity`` takes.

    Args:
        labels: int (n,), class of each input; below 0 for none.
    """
    known = np.flatnonzero(np.asarray(labels) >= 0)
    return known, np.asarray(labels)[known].astype(np.int64)


def specificity(
    hard: NDArray[Any],
    members: tuple[NDArray[Any], NDArray[Any]],
    classes: int,
    *,
    least: int = _LEAST,
) -> Served:
    """Test each expert of a layer against each class, input by input.

    An input counts by the share of its tokens that chose the expert. If a class had nothing to do
    with routing, its inputs would be a draw without replacement from all inputs; the mean, the
    variance and the skewness of such a draw's mean share are known exactly, and p is the upper
    tail of the Pearson type III distribution that has them.

    Args:
        hard: (n, E), tokens of each input that chose an expert, of one layer and one modality. An
            input without tokens is left out.
        members: which input belongs to which class, two int arrays of one length; an input may
            belong to several classes (concepts) or to none.
        classes: how many there are (C).
        least: a class of fewer inputs is not tested.

    Raises:
        InputError: members that are no inputs or no classes.

    Source: P. Mielke and K. Berry, Permutation Methods, 2001 (the approximation);
        Y. Benjamini and Y. Hochberg, 1995.
    """
    who, what = (np.asarray(each, np.int64) for each in members)
    _check(who, what, len(hard), classes)
    tokens = np.asarray(hard, np.float64).sum(axis=1)
    present = tokens > 0
    shares = np.asarray(hard, np.float64)[present] / tokens[present, None]
    inside = present[who]
    places, what = (np.cumsum(present) - 1)[who[inside]], what[inside]
    n = np.bincount(what, minlength=classes)
    sums = np.stack([_by_class(shares[places, e], what, classes) for e in range(hard.shape[1])])
    share = np.divide(sums, n, out=np.full(sums.shape, np.nan), where=n > 0)
    base = shares.mean(axis=0) if len(shares) else np.full(hard.shape[1], np.nan)
    p = _upper_tail(share, shares, n)
    p[:, n < max(1, least)] = np.nan
    rates = np.where(base > 0, base, np.nan)[:, None]
    return Served(n.astype(np.int64), share, base, share / rates, p, benjamini_hochberg(p))


def _check(who: Rows, what: Rows, inputs: int, classes: int) -> None:
    right = who.shape == what.shape and who.ndim == 1
    for values, most in ((who, inputs), (what, classes)):
        right = right and (not len(values) or (values.min() >= 0 and values.max() < most))
    if not right:
        expected = f"pairs of an input below {inputs} and a class below {classes}"
        raise InputError("members of classes", expected=expected, got=f"{who} and {what}")


def _by_class(values: Counts, what: Rows, classes: int) -> Counts:
    sums: Counts = np.bincount(what, weights=values, minlength=classes).astype(np.float64)
    return sums


def _upper_tail(share: Counts, shares: Counts, n: NDArray[Any]) -> Counts:
    """P(mean share of n inputs drawn by lot >= share), (E, C), by its first three moments."""
    from scipy.stats import pearson3

    total = len(shares)
    if total < 3:
        return np.full(share.shape, np.nan)
    apart = shares - shares.mean(axis=0)
    second, third = (apart**2).mean(axis=0)[:, None], (apart**3).mean(axis=0)[:, None]
    second = np.where(second > _FLAT**2, second, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where((n > 0) & (n < total), n, np.nan).astype(np.float64)
        rest = total - size
        variance = second * rest / (size * (total - 1))
        cube = third * rest * (rest - size) / (size**2 * (total - 1) * (total - 2))
        skew = cube / variance**1.5
        z = (share - shares.mean(axis=0)[:, None]) / np.sqrt(variance)
    known = np.isfinite(z) & np.isfinite(skew)
    p = np.full(share.shape, np.nan)
    p[known] = pearson3.sf(z[known], skew[known])
    return p


def benjamini_hochberg(p: NDArray[Any]) -> Counts:
    """p-values adjusted to control the false discovery rate, in the same shape; NaN stays NaN.

    Args:
        p: any shape, 0 to 1; all of them are one family, NaN is no test.

    Source: Y. Benjamini and Y. Hochberg, Journal of the Royal Statistical Society B, 1995.
    """
    from scipy.stats import false_discovery_control

    values = np.asarray(p, np.float64)
    known = ~np.isnan(values)
    found: Counts = np.full(values.shape, np.nan)
    if known.any():
        found[known] = false_discovery_control(np.clip(values[known], 0.0, 1.0))
    return found
