"""The score of a vector, the same bits however it was found, and the order that follows.

FAISS, a filter that leaves ten rows, and a scan without an index add up products in different
orders, so their scores differ in the last bits, and equal vectors would change places between
page one and page two. So whatever finds the candidates, ``score`` gives their final scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.types import Floats, Rows

__all__ = ["as_float32", "best", "score"]

_CHUNK = 512
"""Rows at a time: a chunk of float32 stays in the cache of one core."""

_KEPT = np.int32(np.uint32(0x8FFFE000).view(np.int32))
_SCALE = np.float32(2.0**112)


def as_float32(vectors: NDArray[Any], out: Floats | None = None) -> Floats:
    """Finite float16 or float32 vectors as float32, exactly.

    NumPy converts float16 number by number where the processor has no AVX-512; moving the bits
    and correcting the exponent (bias 15 to 127) with one product is five times as fast.

    Args:
        vectors: (n, D) float16 or float32, finite.
        out: float32 (n, D) to fill; float32 vectors are returned as they are without it.
    """
    if vectors.dtype != np.float16:
        return np.asarray(vectors, dtype=np.float32)
    found = np.empty(vectors.shape, dtype=np.float32) if out is None else out
    bits = found.view(np.int32)
    np.copyto(bits, vectors.view(np.int16))  # sign-extended, so bit 31 is the sign after a shift
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, _KEPT, out=bits)
    np.multiply(found, _SCALE, out=found)
    return found


def score(vectors: NDArray[Any], query: Floats) -> Floats:
    """Inner products of vectors (n, D) with one query (D,): float32 (n,).

    Each row is summed alone, in one order: its score depends on its numbers only, not on its
    place or neighbours (a matrix product would not promise that). About 0.7 us a row of 512.
    """
    scores = np.empty(len(vectors), dtype=np.float32)
    room = np.empty((min(_CHUNK, len(vectors)), vectors.shape[1]), dtype=np.float32)
    for start in range(0, len(vectors), _CHUNK):
        rows = vectors[start : start + _CHUNK]
        values = np.ascontiguousarray(as_float32(rows, room[: len(rows)]))
        np.einsum("nd,d->n", values, query, out=scores[start : start + len(rows)])
    return scores


def best(rows: Rows, scores: Floats, k: int) -> tuple[Rows, Floats]:
    """The k rows with the highest scores, highest first, equal scores by row.

    Args:
        rows: int64 (n,).
        scores: float32 (n,).
        k: at most n are returned.
    """
    if k <= 0:
        return rows[:0], scores[:0]
    if k < len(rows):
        bound = np.partition(scores, len(scores) - k)[len(scores) - k]
        kept = scores >= bound  # more than k where scores tie at the bound; rows decide
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]
