"""Confident learning: which labels are probably wrong, judged by a model's probabilities.

The images come in blocks, three times: for the thresholds, for the counts, and for the images that
the noise rates take; so memory is that of one block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.measures.noise_rate import Blocks, most_doubtful, noise_counts
from workbench.types import Floats, Rows

__all__ = ["LABEL_RULES", "LabelIssues", "LabelRule", "label_issues", "thresholds"]


@dataclass(frozen=True)
class LabelRule:
    """One way to choose doubtful labels.

    Args:
        key: the field of ``LabelIssues`` with its marks.
        title: on screen.
        sentence: which labels it chooses.
    """

    key: str
    title: str
    sentence: str


CLEAR = 1000.0
"""How many times as probable as its label another class is in a clear case."""

LABEL_RULES: tuple[LabelRule, ...] = (
    LabelRule(
        "clear",
        "clear cases",
        f"Taken by noise rate (see there), and another class is {CLEAR:,.0f} times as probable as "
        "the label.",
    ),
    LabelRule(
        "by_rate",
        "noise rate",
        "Of each label and each other class, as many images are taken as the confident counts, "
        "scaled up to all images with that label, lead to expect: those whose probability of the "
        "other class is the furthest above that of the label.",
    ),
    LabelRule(
        "by_joint",
        "confident joint",
        "The probability of another class reaches the mean that the images labelled with that "
        "class have.",
    ),
)
"""The rules of ``label_issues``, the default first. None takes an answer that is the label."""

_FLOOR = 2e-6
_SLACK = 1e-6
_ABSENT = 2.0
_TINY = np.float32(1e-37)


@dataclass(frozen=True)
class LabelIssues:
    """Labels that a rule finds probably wrong, the worst first.

    Args:
        places: int64 (I,), which of the N images.
        suggested: int32 (I,), the most probable class instead.
        margin: float32 (I,), probability of the given label minus that of the most probable other
            class, in [-1, 1].
        odds: float32 (I,), natural logarithm of the probability of the given label over that of
            the most probable other class; the most negative first.
        clear: bool (I,), ``by_rate`` and ``odds`` below -ln ``CLEAR``.
        by_rate: bool (I,), taken by pruning by noise rate.
        by_joint: bool (I,), off the diagonal of the confident joint.
        confident: int64 (N,), class that each image is confidently counted as; -1 for none.
    """

    places: Rows
    suggested: NDArray[np.int32]
    margin: Floats
    odds: Floats
    clear: NDArray[np.bool_]
    by_rate: NDArray[np.bool_]
    by_joint: NDArray[np.bool_]
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
    """Find label errors by two rules of confident learning, and the clear cases among them.

    An image counts as class j when its probability of j reaches the mean that images labelled j
    have (of several such classes, as the most probable).

    - The confident joint flags it when j is not its label.
    - Pruning by noise rate scales these counts up to all images of a label, and flags so many of
      each (label, j), those whose probability of j is the furthest above that of the label.

    Neither flags an image whose label is its most probable class, nor all images of a class. With
    many classes the margin of probabilities is small where a model is unsure between them, so the
    worst are told by the odds: on the sample's Noto images, two in three of the first 46 are the
    planted ones by odds, one in three by margin.

    Args:
        blocks: called three times; gives (first place, probabilities (b, C)) in order.
            They must be out of sample, as zero-shot ones are, and calibrated.
        labels: (N,) classes; -1 is left out.
        classes: C.

    Raises:
        InputError: no image has a label.

    Source: Northcutt, Jiang and Chuang, JAIR 2021, section 3.1 and, in 3.2, "C confusion" and
    "prune by noise rate".
    """
    labels = np.asarray(labels, dtype=np.int64)
    if not np.any(labels >= 0):
        raise InputError("label errors", expected="images with labels", got="none")
    least = thresholds(blocks, labels, classes) - _SLACK
    confident = np.full(len(labels), -1, dtype=np.int64)
    other = np.full(len(labels), -1, dtype=np.int64)
    margin, odds = np.zeros((2, len(labels)), np.float32)
    for start, probabilities in blocks():
        part = slice(start, start + len(probabilities))
        confident[part], other[part], margin[part], odds[part] = _judge(
            probabilities, labels[part], least
        )
    joint = (confident >= 0) & (confident != labels) & (other >= 0)
    joint = _leaving_one(joint, labels, odds, classes)
    cells = noise_counts(labels, confident, classes)
    rate = most_doubtful(blocks, labels, cells) & (other >= 0)
    places = np.flatnonzero(joint | rate)
    order = places[np.argsort(odds[places], kind="stable")]
    return LabelIssues(
        places=order,
        suggested=other[order].astype(np.int32),
        margin=margin[order],
        odds=odds[order],
        clear=(rate & (odds < -np.log(CLEAR)))[order],
        by_rate=rate[order],
        by_joint=joint[order],
        confident=confident,
    )


def _judge(
    probabilities: Floats, given: Rows, least: NDArray[np.float64]
) -> tuple[Rows, Rows, Floats, Floats]:
    """Of each image: its confident class, its most probable one if another, margin and odds."""
    passing = np.where(probabilities >= least, probabilities, -1)
    best = passing.argmax(axis=1)
    rows, label = np.arange(len(given)), np.maximum(given, 0)
    confident = np.where((passing[rows, best] >= 0) & (given >= 0), best, -1)
    top = probabilities.argmax(axis=1)
    rest = probabilities.copy()
    rest[rows, label] = -1
    own, best_other = probabilities[rows, label], rest.max(axis=1)
    odds = np.log(np.maximum(own, _TINY)) - np.log(np.maximum(best_other, _TINY))
    return confident, np.where((given >= 0) & (top != given), top, -1), own - best_other, odds


def _leaving_one(
    flagged: NDArray[np.bool_], labels: Rows, odds: Floats, classes: int
) -> NDArray[np.bool_]:
    """Every class keeps an image: of one that would lose all, the least doubtful stays."""
    sizes = np.bincount(labels[labels >= 0], minlength=classes)
    taken = np.bincount(labels[flagged], minlength=classes)
    kept = flagged.copy()
    for label in np.flatnonzero((taken >= sizes) & (sizes > 0)):
        mine = np.flatnonzero(labels == label)
        kept[mine[np.argmax(odds[mine])]] = False
    return kept
