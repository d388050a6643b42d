"""Accuracy of the frequent, the middling and the rare classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.bins import ABSENT, mean
from workbench.longtail.fit import interval, seen
from workbench.measures.interval import Measure
from workbench.types import Rows

__all__ = ["HEAD", "MIDDLE", "TAIL", "WORST", "Tails", "rarest", "tails"]

TAIL, MIDDLE, HEAD = 0, 1, 2
"""Place of a class in the order of frequency."""

WORST = 0.2
"""Share of the classes that the two "worst" figures are means of."""

_CELLS = 1 << 22


@dataclass(frozen=True)
class Tails:
    """Mean accuracies, in points, over classes of known frequency and accuracy.

    A part without a class has NaN. Intervals are bootstraps over classes.

    Args:
        tail: of the rarest classes, up to the lower cut.
        middle: of those between the cuts.
        head: of the most frequent.
        overall: of all.
        worst_by_frequency: of the rarest fifth, wherever the cuts are.
        worst_by_accuracy: of the fifth with the lowest accuracy. Chosen by the accuracy itself,
            it is low for any model and says nothing of frequency; drawn again in each resample.
        place: int64 (C,), ``TAIL``, ``MIDDLE``, ``HEAD``, or ``ABSENT`` for a class without
            count or accuracy. True zeros are the rarest of all.
        cuts: the counts at the two cuts: the smallest count of the middle and of the head (of
            the next part where one is empty; infinite where none follows).
    """

    tail: Measure
    middle: Measure
    head: Measure
    overall: Measure
    worst_by_frequency: Measure
    worst_by_accuracy: Measure
    place: Rows
    cuts: tuple[float, float]


def tails(
    counts: NDArray[Any],
    accuracy: NDArray[Any],
    *,
    low: float,
    high: float,
    by: Literal["share", "count"] = "share",
    resamples: int = 1000,
    seed: int = 0,
) -> Tails:
    """Classes cut into tail, middle and head at two places that a person chose.

    Among classes of equal count, those of lower number are taken as the rarer.

    Args:
        counts: (C,) times each concept was seen; NaN where it is not known.
        accuracy: (C,) in percent; NaN where it is not known.
        low: upper end of the tail: a share of the classes in [0, 1], rounded to whole classes,
            or a count that the tail stays below.
        high: lower end of the head: a share of the classes counted from the rarest, or the
            smallest count of the head. Equal to ``low``, there is no middle.
        by: what the cuts are.
        resamples: bootstrap draws of classes.
        seed: the same seed gives the same intervals.

    Raises:
        InputError: cuts that fall, or shares outside [0, 1]; counts as in ``fit_classes``.
    """
    counts, accuracy, inside, zeros = seen(counts, accuracy)
    known = np.flatnonzero(inside | zeros)
    if not low <= high or (by == "share" and not (low >= 0 and high <= 1)):
        expected = "low <= high" + (", both from 0 to 1" if by == "share" else "")
        raise InputError("cuts", expected=expected, got=f"{low:g} and {high:g}")
    order = known[_rarest_first(counts[known])]
    ends = _ends(counts[order], low, high, by)
    place = np.full(len(counts), ABSENT, dtype=np.int64)
    place[order] = np.searchsorted(ends, np.arange(len(order)), side="right")
    parts = [_mean(accuracy[order[a:b]], resamples, seed) for a, b in _spans(ends, len(order))]
    worst = _whole(WORST, len(order))
    return Tails(
        tail=parts[0],
        middle=parts[1],
        head=parts[2],
        overall=_mean(accuracy[order], resamples, seed),
        worst_by_frequency=_mean(accuracy[order[:worst]], resamples, seed),
        worst_by_accuracy=_worst(accuracy[order], worst, resamples, seed),
        place=place,
        cuts=(_count_at(counts[order], ends[0]), _count_at(counts[order], ends[1])),
    )


def rarest(counts: NDArray[Any]) -> Rows:
    """Classes of known count, the rarest first, equals by their number: int64 (<= C,)."""
    counts = np.asarray(counts, np.float64)
    known = np.flatnonzero(np.isfinite(counts))
    return known[_rarest_first(counts[known])].astype(np.int64)


def _rarest_first(counts: NDArray[np.float64]) -> Rows:
    return np.argsort(counts, kind="stable").astype(np.int64)


def _whole(share: float, n: int) -> int:
    """A share of n classes as whole classes, halves up; a little is allowed for 0.1 + 0.2."""
    return int(np.floor(share * n + 0.5 + 1e-9))


def _ends(
    ordered: NDArray[np.float64], low: float, high: float, by: Literal["share", "count"]
) -> tuple[int, int]:
    """Where tail and middle end in the order of frequency."""
    if by == "share":
        return _whole(low, len(ordered)), _whole(high, len(ordered))
    first, second = np.searchsorted(ordered, [low, high], side="left")
    return int(first), int(second)


def _spans(ends: tuple[int, int], n: int) -> tuple[tuple[int, int], ...]:
    return (0, ends[0]), (ends[0], ends[1]), (ends[1], n)


def _count_at(ordered: NDArray[np.float64], place: int) -> float:
    return float(ordered[place]) if place < len(ordered) else float("inf")


def _mean(values: NDArray[np.float64], resamples: int, seed: int) -> Measure:
    return mean(values, resamples=resamples, seed=seed)


def _worst(values: NDArray[np.float64], worst: int, resamples: int, seed: int) -> Measure:
    """Mean of the lowest values; in each draw they are chosen anew."""
    if not worst:
        return Measure(float("nan"), float("nan"), float("nan"), 0)
    rng, n = np.random.default_rng(seed), len(values)
    step, drawn = max(1, _CELLS // n), []
    for start in range(0, resamples, step):
        rows = rng.integers(0, n, size=(min(step, resamples - start), n))
        lowest = np.partition(values[rows], worst - 1, axis=1)[:, :worst]
        drawn.append(lowest.mean(axis=1))
    value = float(np.sort(values)[:worst].mean())
    ends = interval(np.concatenate(drawn) if drawn else np.zeros(0))
    return Measure(value, *ends, worst)
