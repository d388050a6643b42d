"""Probabilities from logits."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.heads.cores import over_cores
from workbench.types import Floats

__all__ = ["certainty", "log_softmax", "softmax"]

_Number = TypeVar("_Number", bound=np.floating[Any])


def softmax(logits: NDArray[_Number]) -> NDArray[_Number]:
    """Probabilities over the last axis, of the type given: sum to 1; no overflow."""
    raised: NDArray[_Number] = np.exp(logits - logits.max(axis=-1, keepdims=True))
    raised /= raised.sum(axis=-1, keepdims=True)
    return raised


def log_softmax(logits: Floats) -> Floats:
    """Logarithms of the probabilities: float32 (b, C), finite for finite logits."""
    shifted: Floats = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def certainty(logits: Floats, best: Floats) -> tuple[Floats, Floats]:
    """Probabilities of some classes, and how spread out the probabilities of all are.

    Args:
        logits: float32 (b, C), finite.
        best: float32 (b, k), some of the logits.

    Returns:
        float32 (b, k) probabilities, and float32 (b,) entropies in nats, from 0 (one class has
        everything) to log C (all alike).
    """
    likely, entropy = np.empty_like(best), np.empty(len(logits), np.float32)

    def fill(part: slice) -> None:
        largest = logits[part].max(axis=1, keepdims=True)
        shifted = logits[part] - largest
        raised = np.exp(shifted)
        total = raised.sum(axis=1, keepdims=True)
        likely[part] = np.exp(best[part] - largest) / total
        # H = log Z - sum p z; rounding can make it a little less than nothing
        mean = np.einsum("bc,bc->b", raised, shifted) / total[:, 0]
        entropy[part] = np.maximum(np.log(total[:, 0]) - mean, 0)

    over_cores(fill, logits)
    return likely, entropy
