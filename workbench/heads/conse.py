"""ConSE: the mean of the class embeddings, weighed by probability, is compared with every class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError
from workbench.heads import mean
from workbench.heads.head import Material
from workbench.heads.softmax import softmax
from workbench.heads.subset import chosen_classes
from workbench.heads.support import bury
from workbench.heads.top import top as best_classes
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats, Rows

__all__ = ["METHOD", "Params", "prepare", "soft_embedding"]


@dataclass(frozen=True)
class Params:
    """Which classes are mixed, and which may be predicted."""

    top: int = param(10, help="Most probable seen classes that are mixed.", low=1, high=100_000)
    seen: str = param(
        "", help="Classes whose probabilities are used, by number from 0: 0-49,60. Blank: all."
    )
    candidates: str = param(
        "all",
        help="all: any class may be predicted; unseen: only those that are not seen.",
        choices=("all", "unseen"),
    )


def soft_embedding(probabilities: Floats, vectors: Floats, top: int) -> Floats:
    """Mean of the vectors of the ``top`` most probable classes, weighed by probability.

    Args:
        probabilities: float32 (b, L), not negative; need not sum to 1.
        vectors: float32 (L, D), embedding of each class.
        top: T; all classes if L is smaller.

    Returns:
        float32 (b, D), not normalised.
    """
    kept = probabilities
    if top < probabilities.shape[1]:
        best, values = best_classes(probabilities, top)
        kept = np.zeros_like(probabilities)
        np.put_along_axis(kept, best.astype(np.int64), values, axis=1)
    mixed: Floats = (kept / kept.sum(axis=1, keepdims=True)) @ vectors
    return mixed


@dataclass(frozen=True)
class _Scorer:
    weights: Floats
    scale: np.float32
    seen: Rows
    hidden: Rows
    top: int
    shared: float = 0.0

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C): scale times the cosine of the mixture with every class."""
        seen = self.weights[self.seen]
        probabilities = softmax(self.scale * (block @ seen.T))
        mixed = soft_embedding(probabilities, seen, self.top)
        lengths = np.linalg.norm(mixed, axis=1, keepdims=True)
        mixed /= np.maximum(lengths, np.float32(1e-6))
        found: Floats = self.scale * (mixed @ self.weights.T)
        return bury(found, self.hidden)

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """None: the score is no sum over the prompts of the class."""
        return None


def prepare(material: Material, params: Params) -> _Scorer:
    """Probabilities of the mean head mix the seen classes; the mixture is compared with all.

    Logits are scale times a cosine, so they are on the mean head's scale; a bias cancels out of
    softmax and is left out. With seen classes among the candidates the answer is mostly one of
    them. Seen classes that cancel out leave a mixture of 0 and every class alike.

    Raises:
        InputError: a choice of seen classes that is none, or that leaves no candidate.
    """
    weights, _ = mean.class_vectors(material.texts, material.starts)
    seen = chosen_classes(params.seen, material.classes)
    hidden = seen if params.candidates == "unseen" else seen[:0]
    if len(hidden) == material.classes:
        do = "Say which classes are seen, or let all be candidates."
        raise InputError("ConSE", expected="a class that is not seen", got="none", do=do)
    return _Scorer(weights, np.float32(material.scale), seen, hidden, params.top)


METHOD = Method(
    key="conse",
    title="ConSE",
    question="Which class is nearest to the mixture of the most probable seen classes?",
    needs=frozenset({"prompts"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="logit",
    source="Norouzi et al., ICLR 2014, section 3",
)
