"""Each class's share of right answers, and what it is taken for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.measures.calibration import binned_gap
from workbench.measures.interval import wilson

__all__ = ["ClassTable", "confusion_pairs", "per_class"]


@dataclass(frozen=True)
class ClassTable:
    """Figures of C classes, one array a column; NaN where a class has no images to tell.

    Args:
        n: int64, images of the class.
        correct: int64, of these answered rightly.
        predicted: int64, images answered with the class.
        accuracy: correct / n (recall).
        low: lower end of its 95% interval (Wilson).
        high: upper end.
        precision: correct / predicted.
        f1: harmonic mean of precision and recall; 0 when both are 0.
        ece: gap between confidence and accuracy over the images of the class, 15 bins.
        confused_with: int32, the wrong class that most of its images went to; -1 for none.
        confused_count: int64, how many did.
    """

    n: NDArray[np.int64]
    correct: NDArray[np.int64]
    predicted: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    precision: NDArray[np.float64]
    f1: NDArray[np.float64]
    ece: NDArray[np.float64]
    confused_with: NDArray[np.int32]
    confused_count: NDArray[np.int64]


def confusion_pairs(
    truth: NDArray[Any], predicted: NDArray[Any], classes: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """The cells of the confusion matrix that are not empty: truth, predicted, images.

    Args:
        truth: (N,) classes; -1 is left out.
        predicted: (N,) classes.
        classes: C.

    Returns:
        int32, int32 and int64 (S,), the fullest cell first, ties by class.
    """
    known = truth >= 0
    cells = truth[known].astype(np.int64) * classes + predicted[known]
    cells, counts = np.unique(cells, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rows, columns = np.divmod(cells[order], classes)
    return rows.astype(np.int32), columns.astype(np.int32), counts[order].astype(np.int64)


def per_class(
    truth: NDArray[Any], predicted: NDArray[Any], confidence: NDArray[Any], classes: int
) -> ClassTable:
    """Figures of every class.

    Args:
        truth: (N,) classes; images with -1 are left out altogether.
        predicted: (N,) classes.
        confidence: (N,) probability of the predicted class, in [0, 1].
        classes: C.
    """
    known = truth >= 0
    truth, predicted, confidence = truth[known], predicted[known], confidence[known]
    right = truth == predicted
    n = np.bincount(truth, minlength=classes)
    correct = np.bincount(truth[right], minlength=classes)
    answered = np.bincount(predicted, minlength=classes)
    recall, precision = _ratio(correct, n), _ratio(correct, answered)
    low, high = wilson(correct, n)
    with_class, count = _most_confused(truth[~right], predicted[~right], classes)
    return ClassTable(
        n=n,
        correct=correct,
        predicted=answered,
        accuracy=recall,
        low=low,
        high=high,
        precision=precision,
        f1=_ratio(2 * correct, n + answered),
        ece=binned_gap(confidence, right, groups=truth, count=classes),
        confused_with=with_class,
        confused_count=count,
    )


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.full(len(whole), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def _most_confused(
    truth: NDArray[Any], predicted: NDArray[Any], classes: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    rows, columns, counts = confusion_pairs(truth, predicted, classes)
    names, first = np.unique(rows, return_index=True)  # the fullest cell of a row comes first
    found, count = np.full(classes, -1, dtype=np.int32), np.zeros(classes, dtype=np.int64)
    found[names], count[names] = columns[first], counts[first]
    return found, count
