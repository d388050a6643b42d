"""k nearest labelled images vote for their classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.heads.head import Material
from workbench.heads.neighbours import nearest
from workbench.heads.support import labelled
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats, Rows

__all__ = ["METHOD", "Params", "prepare", "shares"]

FLOOR = 1e-9
"""Share given to a class without a vote, so that its logit is finite."""

_CELLS = 1 << 22


@dataclass(frozen=True)
class Params:
    """How many vote, and what a vote weighs."""

    neighbours: int = param(10, help="Labelled images that vote.", low=1, high=100_000)
    temperature: float = param(
        0.07,
        help="A vote weighs exp(cosine / temperature); 0 gives every neighbour one vote.",
        low=0,
        high=10,
    )


def shares(
    vectors: Floats,
    support: Floats,
    labels: Rows,
    classes: int,
    *,
    neighbours: int,
    temperature: float = 0.0,
) -> Floats:
    """Share of the vote for each class among the k nearest labelled images.

    Args:
        vectors: float32 (b, D), unit rows.
        support: float32 (M, D), unit rows; all vote if M is below ``neighbours``.
        labels: int64 (M,) in [0, classes).
        classes: C.
        neighbours: k.
        temperature: votes weigh exp(cosine / temperature); 0 gives every neighbour one vote.

    Returns:
        float32 (b, C), rows summing to 1.
    """
    total = np.zeros((len(vectors), classes), np.float32)
    step = max(1, _CELLS // min(neighbours, len(support)))
    for start in range(0, len(vectors), step):
        rows, products = nearest(vectors[start : start + step], support, neighbours)
        weights = np.ones_like(products)
        if temperature > 0:
            weights = np.exp((products - products[:, :1]) / np.float32(temperature))
        weights /= weights.sum(axis=1, keepdims=True)
        images = np.arange(start, start + len(rows))[:, None]
        np.add.at(total, (images, labels[rows]), weights)
    return total


@dataclass(frozen=True)
class _Scorer:
    support: Floats
    labels: Rows
    classes: int
    params: Params
    shared: float = 0.0

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C): logarithms of the shares of the vote."""
        found = shares(
            block,
            self.support,
            self.labels,
            self.classes,
            neighbours=self.params.neighbours,
            temperature=self.params.temperature,
        )
        logs: Floats = np.log(np.maximum(found, np.float32(FLOOR)))
        return logs

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """None: no prompt takes part."""
        return None


def prepare(material: Material, params: Params) -> _Scorer:
    """Logits are logarithms of the shares of the vote, so softmax gives the shares back.

    Classes without a vote, and with them classes without labelled images, are tied last. With one
    vote each, ties between classes are common and go to the lower class. With all labelled images
    and temperature 1 this is a matching network (Vinyals et al., NeurIPS 2016).
    """
    support = labelled(material)
    return _Scorer(support.vectors, support.labels, material.classes, params)


METHOD = Method(
    key="knn",
    title="k nearest neighbours",
    question="Which class do the most similar labelled images belong to?",
    needs=frozenset({"support"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="log share",
    source="Wu et al., CVPR 2018 (votes weighed by exp(cosine / temperature))",
)
