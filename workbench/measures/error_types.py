"""What kind of mistake each mistake seems to be: a proposal by stated rules, for a person to judge.

The categories are those of "When does dough become a bagel?" (Vasudevan et al., NeurIPS 2022) with
wrong labels set apart; the order of the rules follows the automated version by Peychev et al.
(NeurIPS 2023), ``classify_error``. Both look at labels of several annotators, where we have less:
the evidence behind each rule is named in ``RULES`` and shown with every proposal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.measures.out_of_vocabulary import MARGIN
from workbench.prompts.vocabulary import TEMPLATE

__all__ = ["CATEGORIES", "RULES", "Evidence", "Reviewed", "Rule", "propose", "reviewed_accuracy"]


@dataclass(frozen=True)
class Rule:
    """One rule: mistakes that it holds for, and no earlier rule, are of its category.

    Args:
        category: key, also stored with a verdict.
        title: the category on screen.
        severity: ``none`` (no mistake of the model), ``minor``, ``borderline`` or ``major``.
        sentence: when the rule holds.
    """

    category: str
    title: str
    severity: str
    sentence: str


RULES: tuple[Rule, ...] = (
    Rule(
        "label-wrong",
        "label wrong",
        "none",
        "Confident learning flags the label (by noise rate), and another class is 1,000 times as "
        "probable.",
    ),
    Rule(
        "several-true",
        "several labels true",
        "none",
        "The predicted class is among the labels that are true of the image.",
    ),
    Rule(
        "fine-grained",
        "fine-grained",
        "minor",
        "Both classes have the same parent in the hierarchy.",
    ),
    Rule(
        "out-of-vocabulary",
        "out of vocabulary",
        "minor",
        "A word that names no class is nearer to the image than every class: cosine times logit "
        f"scale leads by more than {MARGIN:g}, so it is 7 times as probable. Words: the names of "
        "ImageNet's classes and of the sample's concepts; words and class names alike as "
        f'"{TEMPLATE.format("NAME")}"',
    ),
    Rule(
        "spurious",
        "spurious",
        "major",
        "The image has a group value (such as its background) on which wrong answers of this "
        "class gather beyond chance (corrected p below 0.05).",
    ),
    Rule(
        "non-prototypical",
        "non-prototypical",
        "minor",
        "The image is less like the mean of its class than 9 in 10 images are like theirs.",
    ),
    Rule("plain", "plain wrong", "major", "No other rule holds."),
)
"""The rules in their order: the first that holds decides."""

CATEGORIES: tuple[str, ...] = tuple(rule.category for rule in RULES)
"""What a person may say."""

_NOT_WRONG = ("several-true",)
_NO_TRUTH = ("label-wrong",)


@dataclass(frozen=True)
class Evidence:
    """What speaks for each category but the last: bool (M,) arrays over the M mistakes.

    Args:
        label_wrong: a clear case of confident learning (see ``measures.confident``).
        several_true: the predicted class is one of several true labels.
        fine_grained: true and predicted class have the same parent.
        out_of_vocabulary: a word outside the classes fits better than every class.
        spurious: the image has a value on which wrong answers of the predicted class gather.
        non_prototypical: far from the mean of its class.

    Raises:
        InputError: arrays of different length.
    """

    label_wrong: NDArray[np.bool_]
    several_true: NDArray[np.bool_]
    fine_grained: NDArray[np.bool_]
    out_of_vocabulary: NDArray[np.bool_]
    spurious: NDArray[np.bool_]
    non_prototypical: NDArray[np.bool_]

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in vars(self).items()}
        if len(set(lengths.values())) > 1:
            raise InputError("evidence", expected="one length", got=str(lengths))

    def __len__(self) -> int:
        return len(self.label_wrong)


def propose(evidence: Evidence) -> NDArray[np.int64]:
    """Place in ``RULES`` of the category proposed for each mistake: int64 (M,).

    Every mistake gets exactly one category; more evidence can only move it to an earlier rule.
    """
    columns = [
        evidence.label_wrong,
        evidence.several_true,
        evidence.fine_grained,
        evidence.out_of_vocabulary,
        evidence.spurious,
        evidence.non_prototypical,
        np.ones(len(evidence), dtype=bool),
    ]
    found: NDArray[np.int64] = np.argmax(np.stack(columns), axis=0).astype(np.int64)
    return found


@dataclass(frozen=True)
class Reviewed:
    """Accuracy before and after people looked at mistakes.

    Args:
        before: share of the N images answered with their label.
        after: the same where images whose label a person found wrong are left out, and answers
            that a person found true count as right.
        n_before: N.
        n_after: images that remain.
        reviewed: verdicts that were counted.
    """

    before: float
    after: float
    n_before: int
    n_after: int
    reviewed: int


def reviewed_accuracy(correct: NDArray[np.bool_], verdicts: Mapping[int, Any]) -> Reviewed:
    """Top-1 accuracy before and after review; mistakes without a verdict stay mistakes.

    Args:
        correct: bool (N,).
        verdicts: place of an image -> category of ``CATEGORIES``. Those of images that were
            answered with their label matter only when the label is wrong.

    Raises:
        InputError: a category that does not exist, or a place outside.

    Source: problematic images leave the denominator and every true label counts, as in the
    multi-label accuracy of Vasudevan et al. 2022; here averaged over images.
    """
    right, kept = correct.copy(), np.ones(len(correct), dtype=bool)
    for place, category in verdicts.items():
        if category not in CATEGORIES:
            raise InputError(
                f"verdict on image {place}",
                expected=f"one of {', '.join(CATEGORIES)}",
                got=repr(category),
            )
        if not 0 <= place < len(correct):
            raise InputError("verdict", expected=f"an image below {len(correct)}", got=str(place))
        right[place] |= category in _NOT_WRONG
        kept[place] = category not in _NO_TRUTH
    return Reviewed(
        before=float(correct.mean()) if len(correct) else float("nan"),
        after=float(right[kept].mean()) if kept.any() else float("nan"),
        n_before=len(correct),
        n_after=int(kept.sum()),
        reviewed=len(verdicts),
    )
