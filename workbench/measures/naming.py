"""Measures of a zero-shot run in words: what each is called, what it says, how it is written."""

from __future__ import annotations

import math
from collections.abc import Mapping

from workbench.measures.interval import Measure

__all__ = ["MEASURES", "worded"]

MEASURES: Mapping[str, tuple[str, str, bool]] = {
    "top1": ("top-1", "Share of images whose best scored class is the true one.", True),
    "top5": ("top-5", "Share with the true class among the five best.", True),
    "mean_per_class": (
        "mean per class",
        "Mean over the classes of each class's accuracy (balanced accuracy): rare classes count "
        "as much as frequent ones.",
        True,
    ),
    "real_accuracy": (
        "ReaL",
        "Share whose best class is one of the labels that are true of the image "
        "(Beyer et al., 2020).",
        True,
    ),
    "mean_average_precision": ("mAP", "Mean over classes of average precision.", True),
    "ece": (
        "ECE",
        "Expected calibration error: mean gap between confidence and accuracy, in 15 bins "
        "(Guo et al., 2017). 0 is perfect.",
        False,
    ),
    "ece_scaled": (
        "ECE, scaled",
        "The same after temperature scaling, fitted to the likelihood of one half of the images "
        "and measured on the other. Larger than before where a few confident mistakes (wrong "
        "labels, another style) decide the temperature.",
        False,
    ),
    "classwise_ece": ("class-wise ECE", "ECE of each class's probability, averaged.", False),
    "aurc": (
        "AURC",
        "Area under the risk-coverage curve: mean error rate when the least confident images are "
        "left unanswered. 0 is perfect.",
        False,
    ),
    "hierarchical_distance": (
        "distance of mistakes",
        "Mean height of the lowest common ancestor of the true and the predicted class, over "
        "mistakes: 1 is a sibling.",
        False,
    ),
}
"""Key of a measure -> (name, what it is, whether it is a share shown as percent)."""


def worded(name: str, measure: Measure) -> str:
    """A measure with its 95% interval: ``81.2% (79.9 to 82.4)``; without it when none was taken.

    Args:
        name: key of the measure; one that is not in ``MEASURES`` is written as a number.
        measure: its figure; NaN becomes ``n/a``.
    """
    if math.isnan(measure.value):
        return "n/a"
    share = name in MEASURES and MEASURES[name][2]
    value = f"{measure.value:.1%}" if share else f"{measure.value:.3f}"
    if math.isnan(measure.low):
        return value
    ends = (100 * measure.low, 100 * measure.high) if share else (measure.low, measure.high)
    form = ".1f" if share else ".3f"
    return f"{value} ({ends[0]:{form}} to {ends[1]:{form}})"
