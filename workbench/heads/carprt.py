"""Class-aware prompt weighting: every class has weights of its own for the prompts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.heads.head import LinearScorer, Material
from workbench.heads.softmax import softmax
from workbench.heads.zpe import small_blocks
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats

__all__ = ["METHOD", "Params", "class_scores", "prepare"]


@dataclass(frozen=True)
class Params:
    """How sharply the scores of the prompts become weights."""

    temperature: float = param(
        1.0,
        help="Divides the scores before softmax; large values weigh all prompts alike.",
        low=0.01,
        high=1000,
    )


def class_scores(material: Material, prompts: Floats) -> NDArray[np.float64]:
    """Mean largest logit of the images that prompt p sends to class c: float64 (P, C).

    Args:
        material: its images and scale.
        prompts: float32 (P, C, D).

    Returns:
        0 where prompt p sends no image to class c.
    """
    sums = np.zeros(prompts.shape[:2])
    counts = np.zeros(prompts.shape[:2])
    classes = prompts.shape[1]
    for block in small_blocks(material, classes):
        for place, texts in enumerate(prompts):
            logits = block @ texts.T
            best = logits.argmax(axis=1)
            largest = np.take_along_axis(logits, best[:, None], axis=1)[:, 0]
            sums[place] += np.bincount(best, weights=largest, minlength=classes)
            counts[place] += np.bincount(best, minlength=classes)
    return material.scale * sums / np.maximum(counts, 1)


def prepare(material: Material, params: Params) -> LinearScorer:
    """Logits ``scale * sum_p w_pc cos(x, t_pc) + bias``, w_pc softmax over p of the scores.

    A class that no prompt sends an image to weighs its prompts alike; so does the second of two
    classes with the same texts, whose logits then differ from the first's. The weighed mean is
    not made unit length again. One pass over the images.

    Raises:
        InputError: the classes have different numbers of prompts.
    """
    prompts = material.by_prompt()
    scores = class_scores(material, prompts) / params.temperature
    weights = softmax(scores.T)
    rows = np.einsum("cp,pcd->cd", weights, prompts, dtype=np.float64).astype(np.float32)
    factors = weights.ravel().astype(np.float32)
    return LinearScorer(
        rows, material.scale, material.offset, material.texts, factors, material.starts
    )


METHOD = Method(
    key="carprt",
    title="Class-aware prompt weighting",
    question="Which class is nearest when each class weighs its prompts by the images they fit?",
    needs=frozenset({"prompts", "aligned"}),
    params=Params,
    prepare=prepare,
    transductive=True,
    unit="logit",
    source="CARPRT, ICLR 2026, class-aware reweighting",
)
