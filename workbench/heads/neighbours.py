"""The k keys of largest inner product to each query, in blocks that fit in memory."""

from __future__ import annotations

import numpy as np

from workbench.errors import InputError
from workbench.types import Floats, Rows

__all__ = ["merge", "nearest"]

_CELLS = 1 << 24
_WIDTH = 64


def nearest(queries: Floats, keys: Floats, k: int) -> tuple[Rows, Floats]:
    """Rows of the k keys nearest to each query, best first, and their inner products.

    Args:
        queries: float32 (Q, D).
        keys: float32 (M, D).
        k: number wanted; M when there are fewer keys.

    Returns:
        int64 (Q, K) rows of ``keys`` and float32 (Q, K) inner products, K = min(k, M). Equal
        products come lowest row first, except that which of several keys exactly tied for the last
        place is kept is left to numpy's partition.

    Raises:
        InputError: k below 1.
    """
    if k < 1:
        raise InputError("nearest neighbours", expected="at least 1 neighbour", got=str(k))
    k = min(k, len(keys))
    rows = np.empty((len(queries), k), np.int64)
    products = np.empty((len(queries), k), np.float32)
    step = max(1, _CELLS // max(1, len(keys)))
    for start in range(0, len(queries), step):
        block = queries[start : start + step] @ keys.T
        rows[start : start + step], products[start : start + step] = _best(block, k)
    return rows, products


def merge(first: tuple[Rows, Floats], second: tuple[Rows, Floats], k: int) -> tuple[Rows, Floats]:
    """The k best of two lists of neighbours of the same queries; on a tie ``first`` wins."""
    rows = np.concatenate([first[0], second[0]], axis=1)
    products = np.concatenate([first[1], second[1]], axis=1)
    order = np.argsort(-products, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(rows, order, 1), np.take_along_axis(products, order, 1)


def _best(block: Floats, k: int) -> tuple[Rows, Floats]:
    """Columns (b, k) of the k largest values of each row, largest first, and the values."""
    if block.shape[1] > 8 * k * _WIDTH:
        columns = _promising(block, k)
        values = np.take_along_axis(block, columns, 1)
        places, best = _largest(values, k)
        return np.take_along_axis(columns, places, 1), best
    return _largest(block, k)


def _promising(block: Floats, k: int) -> Rows:
    """Columns (b, k * _WIDTH and the rest), ascending, that hold the k largest of each row.

    Of runs of _WIDTH columns, the k with the largest maxima hold them: any other run is no larger
    than k values. Looking for maxima is far quicker than parting whole rows.
    """
    runs = block.shape[1] // _WIDTH
    maxima = block[:, : runs * _WIDTH].reshape(len(block), runs, _WIDTH).max(axis=2)
    chosen = np.sort(np.argpartition(maxima, -k, axis=1)[:, -k:], axis=1)
    inside = (chosen[:, :, None] * _WIDTH + np.arange(_WIDTH)).reshape(len(block), -1)
    rest = np.arange(runs * _WIDTH, block.shape[1])
    return np.concatenate([inside, np.broadcast_to(rest, (len(block), len(rest)))], axis=1)


def _largest(block: Floats, k: int) -> tuple[Rows, Floats]:
    """As ``_best``, by parting whole rows."""
    if k < block.shape[1]:
        columns = np.sort(np.argpartition(block, -k, axis=1)[:, -k:], axis=1)
    else:
        columns = np.broadcast_to(np.arange(k), block.shape)
    values = np.take_along_axis(block, columns, 1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(columns, order, 1), np.take_along_axis(values, order, 1)
