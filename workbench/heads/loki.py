"""Loki: predict the class whose expected squared distance to the truth is smallest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.heads import mean
from workbench.heads.head import Material
from workbench.heads.softmax import softmax
from workbench.heads.subset import chosen_classes
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats, Rows

__all__ = ["METHOD", "Params", "prepare", "squared_distances"]


@dataclass(frozen=True)
class Params:
    """What the distance between classes is, and which classes' probabilities are used."""

    metric: str = param(
        "auto",
        help="text: distance of class embeddings; given: that of the class set (hops in its "
        "hierarchy); auto: the given one where there is one.",
        choices=("auto", "text", "given"),
    )
    observed: str = param(
        "", help="Classes whose probabilities are used, by number from 0: 0-49,60. Blank: all."
    )


def squared_distances(metric: NDArray[Any], classes: int) -> Floats:
    """Squares of the distances between classes, checked.

    Args:
        metric: (C, C) distances, e.g. hops in a hierarchy; need not be symmetric.
        classes: C.

    Returns:
        float32 (C, C).

    Raises:
        InputError: another shape, or a distance that is negative, infinite or NaN.
    """
    if metric.shape != (classes, classes):
        expected = f"distances between {classes} classes, ({classes}, {classes})"
        raise InputError("class metric", expected=expected, got=f"shape {metric.shape}")
    bad = np.argwhere(~(np.isfinite(metric) & (metric >= 0)))
    if len(bad):
        row, column = (int(i) for i in bad[0])
        got = f"{metric[row, column]} between classes {row} and {column}"
        do = "Give a finite distance to classes that no path joins."
        raise InputError("class metric", expected="distances of 0 or more", got=got, do=do)
    return np.square(metric.astype(np.float32))


@dataclass(frozen=True)
class _Scorer:
    weights: Floats
    scale: np.float32
    observed: Rows
    squared: Floats | None
    shared: float = 0.0

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C): minus the expected squared distance, see ``prepare``."""
        observed = self.weights[self.observed]
        scaled: Floats = block @ observed.T
        scaled *= np.float32(self.scale)
        probabilities = softmax(scaled)
        if self.squared is not None:
            expected: Floats = probabilities @ self.squared
            return -expected
        # |e_k - e_j|^2 = 2 - 2 cos: the mixture of embeddings saves the (C, C) matrix.
        mixed: Floats = probabilities @ observed
        found: Floats = mixed @ self.weights.T
        found -= 1
        found *= self.scale
        return found

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """None: the score is no sum over the prompts of the class."""
        return None


def prepare(material: Material, params: Params) -> _Scorer:
    """Logits are minus the expected squared distance to the truth under the mean head's softmax.

    A given metric is taken as it is, so a unit is a squared hop. Distances of class embeddings
    are times scale / 2, which puts the logits of a certain answer on the mean head's scale. What
    softmax makes of either is no calibrated probability; it is the expected distance, not the
    accuracy, that the answer minimises.

    Raises:
        InputError: the metric is asked for but not given, or is no table of distances.
    """
    if params.metric == "given" and material.metric is None:
        do = "Give the class set a hierarchy, or choose the distance of embeddings."
        raise InputError("Loki", expected="distances between classes", got="none", do=do)
    weights, _ = mean.class_vectors(material.texts, material.starts)
    observed = chosen_classes(params.observed, material.classes)
    squared: Floats | None = None
    if params.metric != "text" and material.metric is not None:
        squared = squared_distances(material.metric, material.classes).T[observed]
    return _Scorer(weights, np.float32(material.scale), observed, squared)


METHOD = Method(
    key="loki",
    title="Loki",
    question="Which class is expected to lie nearest to the truth?",
    needs=frozenset({"prompts"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="minus squared distance",
    source="Roberts et al., NeurIPS 2023, equation 1",
)
