"""REAL-Linear: the zero-shot classes, trained on images that were retrieved by their captions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.heads.head import LinearScorer, Material
from workbench.heads.mean import class_vectors
from workbench.heads.softmax import softmax
from workbench.heads.support import labelled
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats, Rows

__all__ = ["METHOD", "Params", "prepare", "steps", "train"]

_WARM_UP = 50
_BETAS, _EPSILON = (0.9, 0.999), 1e-8


@dataclass(frozen=True)
class Params:
    """How long and how fast it is trained, and how much of it is kept; defaults as published."""

    mix: float = param(
        0.5, help="Share of the trained classifier; the rest is the zero-shot one.", low=0, high=1
    )
    rate: float = param(1e-4, help="Learning rate of AdamW.", low=1e-7, high=1)
    decay: float = param(0.01, help="Weight decay of AdamW.", low=0, high=1)
    batch: int = param(32, help="Images, and texts, a step.", low=1, high=4096)
    most: int = param(32_000, help="Most steps.", low=1, high=1_000_000)


def steps(images: int, params: Params) -> int:
    """Steps of training: ten passes over the images, at least one step and at most ``most``."""
    return max(1, min(params.most, images * 10 // params.batch))


def train(
    begin: Floats,
    images: Floats,
    labels: Rows,
    texts: Floats,
    text_labels: Rows,
    *,
    scale: float,
    params: Params,
    seed: int = 0,
) -> Floats:
    """A linear classifier after AdamW on batches that are half images and half texts.

    The loss is the mean cross entropy of ``scale * x W'`` without biases; the learning rate rises
    over 50 steps and falls to 0 as a cosine.

    Args:
        begin: float32 (C, D), the weights at the start.
        images: float32 (M, D), unit rows.
        labels: int64 (M,) in [0, C).
        texts: float32 (T, D), unit rows.
        text_labels: int64 (T,) in [0, C).
        scale: factor on the products.
        params: see ``Params``.
        seed: of the order of images and texts.

    Returns:
        float32 (C, D), of any length.
    """
    rng = np.random.default_rng(seed)
    some_images, some_texts = _endless(len(images), rng), _endless(len(texts), rng)
    weights = begin.astype(np.float32).copy()
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    total = steps(len(images), params)
    for step in range(1, total + 1):
        ours = np.fromiter(some_images, np.int64, params.batch)
        theirs = np.fromiter(some_texts, np.int64, params.batch)
        batch = np.concatenate([images[ours], texts[theirs]])
        truth = np.concatenate([labels[ours], text_labels[theirs]])
        slopes = softmax(np.float32(scale) * (batch @ weights.T))
        slopes[np.arange(len(truth)), truth] -= 1
        gradient = (np.float32(scale) / len(truth)) * (slopes.T @ batch)
        first += (1 - _BETAS[0]) * (gradient - first)
        second += (1 - _BETAS[1]) * (gradient**2 - second)
        rate = params.rate * _schedule(step, total)
        weights *= np.float32(1 - rate * params.decay)
        unbiased = np.sqrt(second / (1 - _BETAS[1] ** step)) + _EPSILON
        weights -= np.float32(rate / (1 - _BETAS[0] ** step)) * first / unbiased
    return weights


def _schedule(step: int, total: int) -> float:
    """Share of the learning rate: up over the warm-up, then down as a half cosine."""
    warm = min(_WARM_UP, total)
    if step <= warm:
        return step / warm
    return 0.5 * (1 + float(np.cos(np.pi * (step - warm) / max(1, total - warm))))


def _endless(count: int, rng: np.random.Generator) -> Iterator[int]:
    """Places in random order, each once before any comes again."""
    while True:
        yield from rng.permutation(count).tolist()


def prepare(material: Material, params: Params) -> LinearScorer:
    """Logits of the mean of the zero-shot weights and of the trained ones, which began there.

    A class without retrieved images is trained by its prompts alone. The weights are mixed as they
    are, without making them unit length again.

    Raises:
        InputError: no retrieved images, or labels that are no classes.
    """
    found = labelled(material)
    zero_shot, _ = class_vectors(material.texts, material.starts)
    owner: NDArray[np.int64] = np.repeat(
        np.arange(material.classes), np.diff(material.starts)
    ).astype(np.int64)
    trained = train(
        zero_shot,
        found.vectors,
        found.labels,
        material.texts,
        owner,
        scale=material.scale,
        params=params,
        seed=material.seed,
    )
    if not np.isfinite(trained).all():
        do = "Choose a smaller rate."
        raise InputError("REAL-Linear", expected="training that stays finite", got="NaN", do=do)
    mixed = (1 - params.mix) * zero_shot + params.mix * trained
    return LinearScorer(mixed.astype(np.float32), material.scale, material.offset)


METHOD = Method(
    key="real-linear",
    title="REAL-Linear",
    question="Which class is it, after training on images whose captions name the classes?",
    needs=frozenset({"prompts", "retrieved"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="logit",
    source="Parashar et al., The Neglected Tails in Vision-Language Models, CVPR 2024, section 4.2",
)
