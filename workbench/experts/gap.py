"""How far images and texts lie apart in their joint space, and what closing the gap changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError

__all__ = [
    "AMOUNTS",
    "Gap",
    "checked_pairs",
    "close_classes",
    "close_pairs",
    "modality_gap",
    "moved",
    "spread_gap",
]

Array = NDArray[np.float64]

AMOUNTS: tuple[float, ...] = (-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""Shares of the gap that the sweep takes away: 0 leaves it, 1 closes it, below 0 widens it."""

_ROWS = 4096


@dataclass(frozen=True)
class Gap:
    """The modality gap of n pairs of unit vectors.

    Args:
        n: pairs.
        distance: norm of the difference of the two centroids, in [0, 2].
        low: lower end of its 95% interval, by resampling pairs.
        high: upper end.
        null: 95th percentile of the distance when image and text of each pair are swapped at
            random: what sampling alone gives without any gap.
        within_images: mean cosine of two different images, in [-1, 1].
        within_texts: mean cosine of two different texts.
        across: mean cosine of an image and the text of another one.
        matched: mean cosine of an image and its own text.
        spread: what remains of the difference once the centroids agree, see ``spread_gap``.
        spread_null: mean of the same with images and texts swapped at random.
    """

    n: int
    distance: float
    low: float
    high: float
    null: float
    within_images: float
    within_texts: float
    across: float
    matched: float
    spread: float
    spread_null: float


def checked_pairs(images: NDArray[Any], texts: NDArray[Any], least: int = 4) -> tuple[Array, Array]:
    """Both sides as float64 (n, D).

    Raises:
        InputError: shapes that differ, fewer than ``least`` pairs, or values that are not finite.
    """
    if images.ndim != 2 or images.shape != texts.shape or len(images) < least:
        raise InputError(
            "pairs of vectors",
            expected=f"two arrays (n, D) of one shape, n at least {least}",
            got=f"{images.shape} and {texts.shape}",
        )
    pair = images.astype(np.float64), texts.astype(np.float64)
    if not all(np.isfinite(side).all() for side in pair):
        raise InputError("pairs of vectors", expected="finite numbers", got="NaN or infinity")
    return pair


def modality_gap(
    images: NDArray[Any], texts: NDArray[Any], *, resamples: int = 500, seed: int = 0
) -> Gap:
    """Measure the gap.

    Args:
        images: (n, D) unit rows.
        texts: (n, D) unit rows; row i belongs to image i.
        resamples: behind the interval and the null.
        seed: of both.

    Raises:
        InputError: see ``checked_pairs``.

    Source: Liang et al., Mind the Gap, NeurIPS 2022, section 4.1 (distance).
    """
    x, y = checked_pairs(images, texts)
    n, rng = len(x), np.random.default_rng(seed)
    apart = x - y
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples) @ apart / n
    low, high = np.quantile(np.linalg.norm(drawn, axis=1), [0.025, 0.975])
    signs = rng.integers(0, 2, size=(resamples, n)) * 2.0 - 1
    null = np.quantile(np.linalg.norm(signs @ apart / n, axis=1), 0.95)
    total_x, total_y, matched = x.sum(axis=0), y.sum(axis=0), float((x * y).sum())
    return Gap(
        n=n,
        distance=float(np.linalg.norm(apart.mean(axis=0))),
        low=float(low),
        high=float(high),
        null=float(null),
        within_images=_others(total_x, x),
        within_texts=_others(total_y, y),
        across=float(total_x @ total_y - matched) / (n * (n - 1)),
        matched=matched / n,
        spread=spread_gap(x, y),
        spread_null=float(np.mean([spread_gap(*_swapped(x, y, each > 0)) for each in signs[:5]])),
    )


def _others(total: Array, rows: Array) -> float:
    """Mean product of two different rows."""
    n = len(rows)
    return float(total @ total - (rows * rows).sum()) / (n * (n - 1))


def _swapped(x: Array, y: Array, here: NDArray[np.bool_]) -> tuple[Array, Array]:
    return np.where(here[:, None], y, x), np.where(here[:, None], x, y)


def spread_gap(images: NDArray[Any], texts: NDArray[Any]) -> float:
    """Squared distance between the two clouds once their centroids agree; 0 for equal covariance.

    The second term of the squared Wasserstein distance of two Gaussians,
    ``tr(A + B - 2 (A^1/2 B A^1/2)^1/2)`` of their covariances A and B; the first term is the
    squared distance of the centroids. Grows with fewer pairs than dimensions: compare it with
    the value of swapped pairs.

    Source: Dowson and Landau, J. Multivariate Analysis 1982.
    """
    x, y = (np.asarray(s, np.float64) - s.mean(axis=0, dtype=np.float64) for s in (images, texts))
    total = float((x * x).sum() / len(x) + (y * y).sum() / len(y))
    # The trace of the root is the nuclear norm of the product of the two factors.
    one, two = (np.asarray(np.linalg.qr(side, mode="r")) for side in (x, y))
    nuclear = float(np.linalg.svd(one @ two.T, compute_uv=False).sum())
    return max(0.0, total - 2 * nuclear / float(np.sqrt(len(x) * len(y))))


def moved(
    images: NDArray[Any], texts: NDArray[Any], amount: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both sides moved half way towards each other and made unit length again.

    Args:
        images: (N, D) unit rows.
        texts: (M, D) unit rows, paired or not.
        amount: share of the gap taken away; 1 makes the centroids agree before the rows are made
            unit length again.

    Source: Liang et al., Mind the Gap, NeurIPS 2022, section 4.2.
    """
    gap = images.mean(axis=0, dtype=np.float64) - texts.mean(axis=0, dtype=np.float64)
    return _unit(images - amount / 2 * gap), _unit(texts + amount / 2 * gap)


def _unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float32)


def close_pairs(
    images: NDArray[Any],
    texts: NDArray[Any],
    same: NDArray[Any],
    amounts: Sequence[float] = AMOUNTS,
) -> Iterator[tuple[float, NDArray[np.int32], NDArray[np.int32]]]:
    """Retrieval among the pairs for each share of the gap taken away.

    Args:
        images: (n, D) unit rows.
        texts: (n, D) unit rows; row i belongs to image i.
        same: (n,) equal numbers for equal texts: any result with the very same text is right.
        amounts: see ``moved``.

    Yields:
        Distance of the centroids after the move; ranks from 1 of the best right text of each
        image, and of the best right image of each text, int32 (n,). Of equal scores the wrong
        one counts as first.
    """
    right = same[:, None] == same[None, :]
    for amount in amounts:
        x, y = moved(images, texts, amount)
        sim = x @ y.T
        distance = float(np.linalg.norm(x.mean(axis=0) - y.mean(axis=0)))
        yield distance, ranks(sim, right), ranks(sim.T, right)


def ranks(sim: NDArray[Any], right: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Rank from 1 of the best right column of each row; equal wrong ones stand before it."""
    best = np.where(right, sim, -np.inf).max(axis=1, keepdims=True)
    found: NDArray[np.int32] = 1 + ((sim >= best) & ~right).sum(axis=1, dtype=np.int32)
    return found


def close_classes(
    images: NDArray[Any], classes: NDArray[Any], amounts: Sequence[float] = AMOUNTS
) -> NDArray[np.int32]:
    """The nearest class of each image, for each share of the gap to the classes taken away.

    The gap here is that between these images and these class vectors.

    Args:
        images: (N, D) unit rows.
        classes: (C, D) unit rows.
        amounts: S shares, see ``moved``.

    Returns:
        int32 (S, N).
    """
    gap = images.mean(axis=0, dtype=np.float64) - classes.mean(axis=0, dtype=np.float64)
    found = np.empty((len(amounts), len(images)), dtype=np.int32)
    for place, amount in enumerate(amounts):
        near = _unit(classes + amount / 2 * gap)
        for start in range(0, len(images), _ROWS):
            part = images[start : start + _ROWS] - amount / 2 * gap
            found[place, start : start + _ROWS] = (part.astype(np.float32) @ near.T).argmax(axis=1)
    return found
