"""How sure and how wrong a model is, from rare concepts to frequent ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.bins import ABSENT, ZERO, places
from workbench.measures.calibration import BINS, binned_gap
from workbench.measures.interval import wilson
from workbench.types import Rows

__all__ = ["Calibration", "by_frequency", "kinds_by_frequency"]


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy of the images whose true class has a certain frequency.

    Row 0 holds the classes with a true count of 0, row b + 1 those of bin b. A row without an
    image has NaN. Axes: B bins.

    Args:
        edges: float64 (B + 1,), log10 of the count, as of ``Bins``.
        classes: int64 (B + 1,), classes with at least one image.
        n: int64 (B + 1,), images.
        accuracy: float64 (B + 1,), share of them that are right, in [0, 1].
        low: float64 (B + 1,), lower end of its 95% interval (Wilson).
        high: float64 (B + 1,), upper end.
        confidence: float64 (B + 1,), mean probability of the answer, in [0, 1]. Above the
            accuracy, the model is overconfident.
        ece: float64 (B + 1,), expected calibration error within the row, in [0, 1]. It grows when
            a row has few images, by chance alone.
        absent: images whose class has no count; they are in no row.
    """

    edges: NDArray[np.float64]
    classes: Rows
    n: Rows
    accuracy: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confidence: NDArray[np.float64]
    ece: NDArray[np.float64]
    absent: int


def by_frequency(
    counts: NDArray[Any],
    truth: NDArray[Any],
    confidence: NDArray[Any],
    correct: NDArray[Any],
    edges: NDArray[Any],
    *,
    bins: int = BINS,
) -> Calibration:
    """Calibration of the images of each bin of frequency.

    Args:
        counts: (C,) times each class was seen; NaN where it is not known.
        truth: (N,) true class of each image, in [0, C).
        confidence: (N,) probability of the answer, in [0, 1].
        correct: (N,) whether the answer is right.
        edges: (B + 1,) rising log10 counts, e.g. ``Bins.edges``; classes outside them are put
            into the nearest bin.
        bins: of confidence, within the expected calibration error.

    Raises:
        InputError: rows of different length, or a class outside [0, C).

    Source: the error is that of Guo et al., ICML 2017.
    """
    counts, edges = np.asarray(counts, np.float64), np.asarray(edges, np.float64)
    truth, confidence = np.asarray(truth), np.asarray(confidence, np.float64)
    right = np.asarray(correct, np.float64)
    _check(len(counts), truth, confidence, right)
    row_of_class = _rows(counts, edges)
    rows = row_of_class[truth]
    kept, size = rows >= 0, len(edges)
    rows, confidence, right = rows[kept], confidence[kept], right[kept]
    n = np.bincount(rows, minlength=size)
    hits = np.bincount(rows, weights=right, minlength=size)
    low, high = wilson(hits, n)
    with np.errstate(invalid="ignore"):
        accuracy = hits / n
        sure = np.bincount(rows, weights=confidence, minlength=size) / n
    met = row_of_class[np.unique(truth)]
    return Calibration(
        edges=edges,
        classes=np.bincount(met[met >= 0], minlength=size),
        n=n,
        accuracy=accuracy,
        low=low,
        high=high,
        confidence=sure,
        ece=binned_gap(confidence, right, groups=rows, count=size, bins=bins),
        absent=int((~kept).sum()),
    )


def kinds_by_frequency(
    counts: NDArray[Any],
    truth: NDArray[Any],
    kinds: NDArray[Any],
    edges: NDArray[Any],
    *,
    count: int,
) -> Rows:
    """Mistakes of each kind in each bin of frequency: int64 (B + 1, K), rows as in ``Calibration``.

    Args:
        counts: (C,) times each class was seen; NaN where it is not known.
        truth: (N,) true class of each image, in [0, C).
        kinds: (N,) kind of the mistake, in [0, K); -1 where the answer is right.
        edges: (B + 1,) rising log10 counts, e.g. ``Bins.edges``.
        count: K, how many kinds there are.

    Raises:
        InputError: rows of different length, or a class or kind outside its range.
    """
    counts, truth, kinds = np.asarray(counts, np.float64), np.asarray(truth), np.asarray(kinds)
    _check(len(counts), truth, kinds)
    if len(kinds) and not (kinds.min() >= -1 and kinds.max() < count):
        got = f"{kinds.min()} to {kinds.max()}"
        raise InputError("kinds of mistakes", expected=f"-1 to {count - 1}", got=got)
    edges = np.asarray(edges, np.float64)
    rows = _rows(counts, edges)[truth]
    kept = (rows >= 0) & (kinds >= 0)
    cells = np.bincount(rows[kept] * count + kinds[kept], minlength=len(edges) * count)
    return cells.reshape(len(edges), count)


def _rows(counts: NDArray[np.float64], edges: NDArray[np.float64]) -> Rows:
    """Row of each class: 0 for a true zero, 1 + its bin, or ``ABSENT``."""
    found = np.full(len(counts), ABSENT, dtype=np.int64)
    found[counts == 0] = ZERO
    above = counts > 0
    found[above] = places(np.log10(counts[above]), edges)
    found[found != ABSENT] += 1
    return found


def _check(classes: int, *rows: NDArray[Any]) -> None:
    truth = rows[0]
    if any(each.shape != (len(truth),) for each in rows):
        got = ", ".join(str(each.shape) for each in rows)
        raise InputError("rows of images", expected="one length (N,)", got=got)
    if len(truth) and not (truth.min() >= 0 and truth.max() < classes):
        got = f"{truth.min()} to {truth.max()}"
        raise InputError("true classes", expected=f"0 to {classes - 1}", got=got)
