"""Probabilities from logits."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.types import Floats

__all__ = ["log_softmax", "softmax"]


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
