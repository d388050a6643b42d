"""Probabilities from logits."""

from __future__ import annotations

import numpy as np

from workbench.types import Floats

__all__ = ["log_softmax", "softmax"]


def softmax(logits: Floats) -> Floats:
    """Probabilities: float32 (b, C), rows summing to 1; no overflow for large logits."""
    raised: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    raised /= raised.sum(axis=1, keepdims=True)
    return raised


def log_softmax(logits: Floats) -> Floats:
    """Logarithms of the probabilities: float32 (b, C), finite for finite logits."""
    shifted: Floats = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
