"""Tip-Adapter: the mean head plus a cache of labelled images, without training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.heads import mean
from workbench.heads.head import LinearScorer, Material, Support
from workbench.heads.support import held_out, labelled
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats, Rows

__all__ = ["METHOD", "Params", "cache_logits", "prepare", "values"]

ALPHAS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
BETAS = (0.5, 1.0, 2.0, 3.5, 5.5, 8.0)


@dataclass(frozen=True)
class Params:
    """How much the labelled images count, and how near they must be."""

    alpha: float = param(
        1.17, help="Weight of the labelled images; 0 is the mean head.", low=0, high=1000
    )
    beta: float = param(
        1.0, help="Sharpness: the larger, the nearer an image must be to count.", low=0, high=1000
    )
    balance: bool = param(
        True, help="Weigh classes alike when their numbers of labelled images differ."
    )
    search: bool = param(
        False, help="Choose alpha and beta on a held-out part of the labelled images."
    )
    share: float = param(
        0.5, help="Share of the labelled images held out for the choice.", low=0.05, high=0.5
    )


def values(labels: Rows, classes: int, *, balance: bool) -> Floats:
    """What each labelled image adds to its own class: float32 (M,).

    Balanced, a class's images count mean-shots / own-shots each, so that a class with more shots
    is not favoured; with equal shots that is 1, as in the paper.
    """
    shots = np.bincount(labels, minlength=classes)
    if not balance or not len(labels):
        return np.ones(len(labels), np.float32)
    weights: Floats = (shots[shots > 0].mean() / shots[labels]).astype(np.float32)
    return weights


def cache_logits(
    vectors: Floats, keys: Floats, labels: Rows, weights: Floats, *, classes: int, beta: float
) -> Floats:
    """Sum over the labelled images of a class of ``weight * exp(-beta * (1 - cosine))``.

    Args:
        vectors: float32 (b, D), unit rows.
        keys: float32 (M, D), unit rows, sorted by label.
        labels: int64 (M,) ascending, in [0, classes).
        weights: float32 (M,).
        classes: C.
        beta: sharpness, at least 0.

    Returns:
        float32 (b, C); 0 for a class without labelled images.
    """
    total = np.zeros((len(vectors), classes), np.float32)
    if not len(keys):
        return total
    present, first = np.unique(labels, return_index=True)
    step = max(1, (1 << 24) // len(keys))
    for start in range(0, len(vectors), step):
        near = np.exp(beta * (vectors[start : start + step] @ keys.T - np.float32(1)))
        total[start : start + step, present] = np.add.reduceat(near * weights, first, axis=1)
    return total


@dataclass(frozen=True)
class _Cache:
    """Labelled images sorted by class."""

    keys: Floats
    labels: Rows
    weights: Floats
    classes: int

    def logits(self, block: Floats, beta: float) -> Floats:
        """float32 (b, C)."""
        return cache_logits(
            block, self.keys, self.labels, self.weights, classes=self.classes, beta=beta
        )


def _cache(support: Support, classes: int, *, balance: bool) -> _Cache:
    order = np.argsort(support.labels, kind="stable")
    labels = support.labels[order]
    weights = values(labels, classes, balance=balance)
    return _Cache(support.vectors[order], labels, weights, classes)


@dataclass(frozen=True)
class _Scorer:
    inner: LinearScorer
    cache: _Cache
    alpha: float
    beta: float
    shared: float = 0.0

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C): those of the mean head plus alpha times those of the cache."""
        found = self.inner.logits(block, start)
        if self.alpha:
            found += np.float32(self.alpha) * self.cache.logits(block, self.beta)
        return found

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """None: labelled images take part beside the prompts."""
        return None


def prepare(material: Material, params: Params) -> _Scorer:
    """Logits ``scale * x w_c + bias + alpha * sum_i exp(-beta (1 - x k_i))`` over images i of c.

    The published defaults were made for a scale of 100. A search leaves the images that are scored
    alone: it holds a part of the labelled images out, fills the cache with the others, and takes
    the pair that is most often right, of equal ones that with the smallest alpha, then beta. It
    begins at alpha 0. Where no class has two labelled images the given values stay.
    """
    support = labelled(material)
    inner = mean.prepare(material, mean.Params())
    alpha, beta = params.alpha, params.beta
    held = held_out(support.labels, params.share, material.seed)
    if params.search and held.any():
        alpha, beta = _search(inner, support, held, balance=params.balance)
    cache = _cache(support, material.classes, balance=params.balance)
    return _Scorer(inner, cache, alpha, beta)


def _search(
    inner: LinearScorer, support: Support, held: np.ndarray, *, balance: bool
) -> tuple[float, float]:
    """(alpha, beta) of the grid that is most often right on the held-out images."""
    classes = len(inner.weights)
    part = Support(support.vectors[~held], support.labels[~held])
    cache = _cache(part, classes, balance=balance)
    queries, truth = support.vectors[held], support.labels[held]
    plain = inner.logits(queries, 0)
    found = []
    for beta in BETAS:
        extra = cache.logits(queries, beta)
        for alpha in ALPHAS:
            right = int(((plain + np.float32(alpha) * extra).argmax(axis=1) == truth).sum())
            found.append((-right, alpha, beta))
    _, alpha, beta = min(found)
    return alpha, beta


METHOD = Method(
    key="tip-adapter",
    title="Tip-Adapter",
    question="Which class do the prompts and the similar labelled images say together?",
    needs=frozenset({"prompts", "support"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="logit",
    source="Zhang et al., ECCV 2022, equations 4 to 6",
)
