"""Confident learning: which labels are probably wrong, judged by a model's probabilities.

The images come in blocks, twice: first for the thresholds, then for the counts, so memory is that
of one block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.types import Floats, Rows

__all__ = ["LabelIssues", "label_issues", "thresholds"]

_FLOOR = 2e-6
_SLACK = 1e-6
_ABSENT = 2.0

Blocks = Callable[[], Iterable[tuple[int, Floats]]]


@dataclass(frozen=True)
class LabelIssues:
    """Labels that are probably wrong, the worst first.

    Args:
        places: int64 (I,), which of the N images.
        suggested: int32 (I,), the class that the model is confident of instead.
        margin: float32 (I,), probability of the given label minus that of the most probable other
            class, in [-1, 1]; the most negative first.
        confident: int64 (N,), class that each image is confidently counted as; -1 for none.
    """

    places: Rows
    suggested: NDArray[np.int32]
    margin: Floats
    confident: Rows


def thresholds(blocks: Blocks, labels: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """For each class the mean probability of it among the images that carry its label: (C,).

    A class without images gets 2, which no probability reaches.

    Args:
        blocks: gives (first place, probabilities (b, C)) from the first image to the last.
        labels: (N,) classes; -1 is left out.
        classes: C.
    """
    sums, counts = np.zeros(classes), np.zeros(classes)
    for start, probabilities in blocks():
        given = labels[start : start + len(probabilities)]
        known = np.flatnonzero(given >= 0)
        own = probabilities[known, given[known]]
        sums += np.bincount(given[known], weights=own, minlength=classes)
        counts += np.bincount(given[known], minlength=classes)
    found = np.full(classes, _ABSENT)
    np.divide(sums, counts, out=found, where=counts > 0)
    floored: NDArray[np.float64] = np.maximum(found, _FLOOR)
    return floored


def label_issues(blocks: Blocks, labels: NDArray[Any], classes: int) -> LabelIssues:
    """Find label errors: the images off the diagonal of the confident joint.

    An image counts as class j when its probability of j reaches the mean that images labelled j
    have (of several such classes, as the most probable). It is flagged when j is not its label,
    unless its label is its most probable class. A class keeps at least one image.

    This is the plainest of the selections of confident learning; pruning by noise rate would
    also flag images that reach no threshold, as many as the rates lead to expect.

    Args:
        blocks: called twice; gives (first place, probabilities (b, C)) from the first image on.
            They must be out of sample, as zero-shot ones are, and calibrated.
        labels: (N,) classes; -1 is left out.
        classes: C.

    Raises:
        InputError: no image has a label.

    Source: Northcutt, Jiang and Chuang, JAIR 2021, section 3.1 and, in 3.2, the first selection
    (C confusion).
    """
    labels = np.asarray(labels, dtype=np.int64)
    if not np.any(labels >= 0):
        raise InputError("label errors", expected="images with labels", got="none")
    least = thresholds(blocks, labels, classes) - _SLACK
    confident = np.full(len(labels), -1, dtype=np.int64)
    other = np.full(len(labels), -1, dtype=np.int64)
    margin = np.zeros(len(labels), np.float32)
    for start, probabilities in blocks():
        part = slice(start, start + len(probabilities))
        confident[part], other[part], margin[part] = _judge(probabilities, labels[part], least)
    off = (confident >= 0) & (confident != labels) & (other >= 0)
    places = _leaving_one(np.flatnonzero(off), labels, margin, classes)
    order = places[np.argsort(margin[places], kind="stable")]
    return LabelIssues(order, other[order].astype(np.int32), margin[order], confident)


def _judge(
    probabilities: Floats, given: Rows, least: NDArray[np.float64]
) -> tuple[Rows, Rows, Floats]:
    """Of each image: its confident class, its most probable one if another, its margin."""
    passing = np.where(probabilities >= least, probabilities, -1)
    best = passing.argmax(axis=1)
    rows, label = np.arange(len(given)), np.maximum(given, 0)
    confident = np.where((passing[rows, best] >= 0) & (given >= 0), best, -1)
    top = probabilities.argmax(axis=1)
    rest = probabilities.copy()
    rest[rows, label] = -1
    margin = probabilities[rows, label] - rest.max(axis=1)
    return confident, np.where((given >= 0) & (top != given), top, -1), margin


def _leaving_one(chosen: Rows, labels: Rows, margin: Floats, classes: int) -> Rows:
    """Every class keeps an image: of one that would lose all, the least doubtful stays."""
    sizes = np.bincount(labels[labels >= 0], minlength=classes)
    taken = np.bincount(labels[chosen], minlength=classes)
    keep = np.ones(len(chosen), dtype=bool)
    for label in np.flatnonzero((taken >= sizes) & (sizes > 0)):
        mine = np.flatnonzero(labels[chosen] == label)
        keep[mine[np.argmax(margin[chosen[mine]])]] = False
    return chosen[keep]
