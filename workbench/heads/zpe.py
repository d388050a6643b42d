"""Zero-shot prompt weighting: prompts that stand out on these images count more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.heads.head import LinearScorer, Material
from workbench.heads.softmax import softmax
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats

__all__ = [
    "METHOD",
    "Params",
    "kept_prompts",
    "prepare",
    "prompt_scores",
    "small_blocks",
]

_CELLS = 1 << 24


@dataclass(frozen=True)
class Params:
    """How prompts are scored and which are kept."""

    debias: str = param(
        "test",
        help="Subtract each prompt's mean logit over these images before scoring it, so that "
        "frequent words do not win; or nothing. The paper also uses pretraining images.",
        choices=("test", "none"),
    )
    select: float = param(
        0.0,
        help="Keep prompts whose score is so many median absolute deviations above the median; 0 "
        "keeps all. The paper takes 0.5 for ImageNet and 2 for fine-grained sets.",
        low=0,
        high=20,
    )


def prepare(material: Material, params: Params) -> LinearScorer:
    """Logits ``sum_p w_p scale cos(x, t_pc) + bias``, w the softmax of the prompts' scores.

    The score of a prompt is its largest (debiased) logit over the classes, averaged over the
    images. Weights of the kept prompts are made to sum to 1. Two passes over the images; memory
    for one block times C, whatever P.

    Raises:
        InputError: the classes have different numbers of prompts.
    """
    prompts = material.by_prompt()
    means = _means(material, prompts) if params.debias == "test" else None
    scores = prompt_scores(material, prompts, means)
    weights = softmax(scores) * kept_prompts(scores, params.select)
    weights /= weights.sum()
    classes = material.classes
    factors = np.tile(weights, classes).astype(np.float32)
    rows = np.einsum("p,pcd->cd", weights, prompts, dtype=np.float64).astype(np.float32)
    return LinearScorer(
        rows, material.scale, material.offset, material.texts, factors, material.starts
    )


def _means(material: Material, prompts: Floats) -> NDArray[np.float64]:
    """Mean logit over the images of every prompt of every class: float64 (P, C).

    The mean of products with x is the product with the mean of x: one pass, no logits.
    """
    total = np.zeros(prompts.shape[2])
    for _, block in material.images.blocks():
        total += block.sum(axis=0, dtype=np.float64)
    return material.scale * (prompts @ (total / max(1, material.images.n)))


def prompt_scores(
    material: Material, prompts: Floats, means: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Mean over the images of each prompt's largest (debiased) logit: float64 (P,).

    Args:
        material: its images and scale.
        prompts: float32 (P, C, D).
        means: (P, C) to subtract, or None.
    """
    total = np.zeros(len(prompts))
    shift = np.zeros(prompts.shape[:2]) if means is None else means
    for block in small_blocks(material, prompts.shape[1]):
        # a column of ones takes the means along, so the logits are gone through only once
        with_one = np.concatenate([block, np.ones((len(block), 1), np.float32)], axis=1)
        for place, texts in enumerate(prompts):
            own = -shift[place][:, None].astype(np.float32)
            scaled = np.concatenate([np.float32(material.scale) * texts, own], axis=1)
            total[place] += (with_one @ scaled.T).max(axis=1).sum(dtype=np.float64)
    return total / max(1, material.images.n)


def small_blocks(material: Material, classes: int) -> Iterator[Floats]:
    """Blocks of images, fewer at a time the more classes: a block's logits stay below 64 MB."""
    for _, block in material.images.blocks(max(1, min(8192, _CELLS // classes))):
        yield block


def kept_prompts(scores: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """1 for prompts that are kept, 0 for the others: float64 (P,).

    A prompt is kept when (score - median) / MAD exceeds the threshold; with threshold 0 all are.
    The median absolute deviation is not scaled; where it is 0, scores above the median are kept.

    Raises:
        InputError: no prompt passes.
    """
    if threshold <= 0:
        return np.ones(len(scores))
    away = scores - np.median(scores)
    spread = np.median(np.abs(away))
    kept = away > threshold * spread
    if not kept.any():
        raise InputError(
            "selection of prompts",
            expected="at least one prompt above the threshold",
            got=f"none of {len(scores)} above {threshold} deviations",
            do="Lower `select`.",
        )
    found: NDArray[np.float64] = kept.astype(np.float64)
    return found


METHOD = Method(
    key="zpe",
    title="Zero-shot prompt weighting",
    question="Which class is nearest when prompts that stand out on these images count more?",
    needs=frozenset({"prompts", "aligned"}),
    params=Params,
    prepare=prepare,
    transductive=True,
    unit="logit",
    source="Allingham et al., ICML 2023, algorithm 1",
)
