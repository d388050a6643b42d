"""RoboShot: the mean head on images without harmful directions and with helpful ones stronger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.heads import mean
from workbench.heads.head import LinearScorer, Material
from workbench.method import Method
from workbench.types import Floats

__all__ = ["METHOD", "Params", "orthonormal", "prepare", "steer"]


@dataclass(frozen=True)
class Params:
    """It has none: the pairs of texts say everything."""


def orthonormal(directions: Floats) -> Floats:
    """Orthonormal rows that span the directions, in their order.

    Args:
        directions: float32 (m, D), differences of text embeddings.

    Returns:
        float32 (r, D), r = rank: a direction that is 0, or that earlier ones already span, adds
        nothing.
    """
    basis: list[np.ndarray] = []
    for direction in np.asarray(directions, np.float64):
        rest = direction
        for _ in range(2):  # twice: once leaves rounding errors where directions nearly agree
            for row in basis:
                rest = rest - (rest @ row) * row
        length = np.linalg.norm(rest)
        if length > 1e-5 * np.linalg.norm(direction):
            basis.append(rest / length)
    return np.array(basis, np.float32).reshape(len(basis), directions.shape[1])


def steer(vectors: Floats, reject: Floats, accept: Floats) -> Floats:
    """Images without the rejected directions and with the accepted ones doubled, unit length.

    The paper goes direction by direction and renormalises after each; as the directions of one
    kind are orthogonal, taking them together and renormalising once gives the same.

    Args:
        vectors: float32 (b, D), unit rows.
        reject: float32 (m, D), orthonormal; m may be 0.
        accept: float32 (n, D), orthonormal; n may be 0.

    Returns:
        float32 (b, D); an image that lies wholly in the rejected directions becomes 0.
    """
    kept = vectors
    if len(reject):
        kept = _unit(vectors - (vectors @ reject.T) @ reject)
    if len(accept):
        kept = _unit(kept + (kept @ accept.T) @ accept)
    return kept


def _unit(vectors: NDArray[Any]) -> Floats:
    """Rows of unit length; what is no more than the rounding of a unit vector becomes 0."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vanishing = norms < 1e-6
    found: Floats = np.where(vanishing, 0, vectors / np.where(vanishing, 1, norms))
    return found.astype(np.float32, copy=False)


@dataclass(frozen=True)
class _Scorer:
    inner: LinearScorer
    reject: Floats
    accept: Floats

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C)."""
        return self.inner.logits(steer(block, self.reject, self.accept), start)

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """float32 (P_c,): what each prompt contributes to the score of the steered image."""
        steered = steer(vector[None], self.reject, self.accept)[0]
        return self.inner.parts(steered, place, row)

    @property
    def shared(self) -> float:
        """The bias."""
        return self.inner.shared


def prepare(material: Material, params: Params) -> _Scorer:
    """The mean head on images without the rejected directions and with the accepted ones doubled.

    Without any direction it is the mean head. Rejecting removes both signs of a direction. It
    comes first; accepting a direction that overlaps a rejected one brings part of it back. An
    image wholly inside the rejected directions scores every class alike.

    Raises:
        InputError: no pairs were given, or they are no finite (m, D) differences.
    """
    if material.pairs is None:
        do = "Give pairs of texts that differ in what should not, or should, decide."
        raise InputError("RoboShot", expected="pairs of texts", got="none", do=do)
    sides = [np.asarray(side, np.float32) for side in material.pairs]
    width = material.texts.shape[1]
    for side in sides:
        if side.ndim != 2 or side.shape[1] != width or not np.isfinite(side).all():
            expected = f"finite differences of texts, (m, {width})"
            raise InputError("pairs of texts", expected=expected, got=f"shape {side.shape}")
    inner = mean.prepare(material, mean.Params())
    return _Scorer(inner, orthonormal(sides[0]), orthonormal(sides[1]))


METHOD = Method(
    key="roboshot",
    title="RoboShot",
    question="Which class is it, once what should not decide is taken out of the image?",
    needs=frozenset({"prompts", "pairs"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="logit",
    source="Adila et al., ICLR 2024, algorithm 1",
)
