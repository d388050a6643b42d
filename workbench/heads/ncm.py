"""Nearest class mean: each class is the mean of its labelled images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.heads.head import LinearScorer, Material, Scorer
from workbench.heads.support import hide, labelled
from workbench.method import Method
from workbench.types import Floats, Rows

__all__ = ["METHOD", "Params", "class_means", "prepare"]


@dataclass(frozen=True)
class Params:
    """It has none."""


def class_means(vectors: Floats, labels: Rows, classes: int) -> Floats:
    """Mean of the vectors of each class, made unit length again.

    Args:
        vectors: float32 (M, D), unit rows.
        labels: int64 (M,) in [0, classes).
        classes: C.

    Returns:
        float32 (C, D); the row of a class without images, or whose images cancel out, is 0.
    """
    sums = np.zeros((classes, vectors.shape[1]), np.float64)
    np.add.at(sums, labels, vectors)
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    counts = np.bincount(labels, minlength=classes)[:, None]
    vanishing = norms <= 1e-6 * np.maximum(counts, 1)
    return np.where(vanishing, 0, sums / np.where(vanishing, 1, norms)).astype(np.float32)


def prepare(material: Material, params: Params) -> Scorer:
    """Logits ``scale * cos(x, mean of the class's labelled images)``.

    A class without labelled images is never predicted. The prompts are not looked at.
    """
    support = labelled(material)
    means = class_means(support.vectors, support.labels, material.classes)
    return hide(LinearScorer(means, material.scale), support.labels, material.classes)


METHOD = Method(
    key="ncm",
    title="Nearest class mean",
    question="Which class's labelled images does the image lie nearest to on average?",
    needs=frozenset({"support"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="logit",
    source="Mensink et al., TPAMI 2013; Snell et al., NeurIPS 2017 (prototypes)",
)
