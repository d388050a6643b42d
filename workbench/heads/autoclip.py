"""AutoCLIP: every image chooses the weights of the prompts that describe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.heads.head import Material
from workbench.heads.softmax import softmax
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats

__all__ = ["METHOD", "AutoClipScorer", "Params", "prepare", "template_weights"]

_CELLS = 1 << 23
_LARGEST, _STEPS = 1e7, 60


@dataclass(frozen=True)
class Params:
    """How far the weights of an image may move from equal ones."""

    beta: float = param(
        0.85,
        help="Entropy of the weights as a share of the largest possible; 1 weighs all prompts "
        "alike, towards 0 the best prompt decides alone.",
        low=0.01,
        high=1,
    )


@dataclass(frozen=True)
class AutoClipScorer:
    """Logits with weights of the prompts that depend on the image.

    Args:
        prompts: float32 (P, C, D).
        scale: factor on the weighed cosines.
        shared: added to every logit.
        beta: see ``Params``.
    """

    prompts: Floats
    scale: float
    shared: float
    beta: float

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C)."""
        prompts, classes, dim = self.prompts.shape
        flat = self.prompts.reshape(prompts * classes, dim)
        step = max(1, _CELLS // (prompts * classes))
        found = np.empty((len(block), classes), dtype=np.float32)
        for at in range(0, len(block), step):
            cosines = (block[at : at + step] @ flat.T).reshape(-1, prompts, classes)
            weights = template_weights(cosines, self.beta).astype(np.float32)
            found[at : at + step] = np.einsum("bp,bpc->bc", weights, cosines)
        return found * np.float32(self.scale) + np.float32(self.shared)

    def deciding(self, block: Floats, places: NDArray[Any]) -> NDArray[np.int32] | None:
        """int32 (b,): the prompt with the largest part."""
        found = [self.parts(x, int(c), 0) for x, c in zip(block, places, strict=True)]
        return np.array([int(np.argmax(each)) for each in found if each is not None], np.int32)

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """float32 (P,): scale times the image's weight of each prompt times its cosine."""
        cosines = self.prompts @ vector
        weights = template_weights(cosines[None], self.beta)[0]
        found: Floats = (self.scale * weights * cosines[:, place]).astype(np.float32)
        return found


def template_weights(cosines: Floats, beta: float) -> NDArray[np.float64]:
    """Weights of the prompts for each image: float64 (b, P), rows sum to 1.

    One step of gradient ascent, from equal weights, on the logsumexp over the classes of the
    weighed cosines, as long as makes the entropy of the weights ``beta * log2 P``. In closed form
    the weights are ``softmax_k(alpha * g_k)``, ``g_k = (u_k - mean u) / P``, where u_k is prompt
    k's cosine averaged over the classes with ``softmax_c`` of the mean cosines; alpha is found by
    bisection. Where all u_k are equal the weights are.

    Args:
        cosines: (b, P, C), unscaled.
        beta: in (0, 1].
    """
    prompts = cosines.shape[1]
    if prompts == 1 or beta >= 1:
        return np.full(cosines.shape[:2], 1 / prompts)
    likely = softmax(cosines.mean(axis=1, dtype=np.float64))
    useful = np.einsum("bpc,bc->bp", cosines, likely)
    gradient = (useful - useful.mean(axis=1, keepdims=True)) / prompts
    wanted = beta * np.log2(prompts)
    low, high = np.zeros(len(cosines)), np.full(len(cosines), _LARGEST)
    for _ in range(_STEPS):
        # lengths range over many orders of magnitude: halve their ratio, not their difference
        middle = np.where(low > 0, np.sqrt(low * high), high / 1000)
        spread = _entropy(middle, gradient) > wanted
        low, high = np.where(spread, middle, low), np.where(spread, high, middle)
    return softmax(high[:, None] * gradient)


def _entropy(length: NDArray[np.float64], gradient: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy in bits of the weights after a step of this length: float64 (b,)."""
    weights = softmax(length[:, None] * gradient)
    logs = np.log2(weights, out=np.zeros_like(weights), where=weights > 0)
    found: NDArray[np.float64] = -(weights * logs).sum(axis=1)
    return found


def prepare(material: Material, params: Params) -> AutoClipScorer:
    """Logits ``scale * sum_p w_p(x) cos(x, t_pc) + bias``.

    Raises:
        InputError: the classes have different numbers of prompts.
    """
    return AutoClipScorer(material.by_prompt(), material.scale, material.offset, params.beta)


METHOD = Method(
    key="autoclip",
    title="AutoCLIP",
    question="Which class is nearest when each image weighs the prompts for itself?",
    needs=frozenset({"prompts", "aligned"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="logit",
    source="Metzen et al., TMLR 2024, algorithm 1",
)
