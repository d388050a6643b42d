"""How alike two towers arrange the same pairs, layer by layer, whatever their weights are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.gap import ranks

__all__ = [
    "Agreement",
    "cka_map",
    "linked_recall",
    "neighbour_map",
    "neighbours",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """A measure of every layer of one tower against every layer of another.

    Args:
        values: (A, B).
        null: (A, B) 95th percentile of the same with the pairs shuffled.
        chance: mean of the shuffles, over all cells.
    """

    values: Array
    null: Array
    chance: float


def _silent() -> None:
    """Do nothing between two shuffles."""


def cka_map(
    images: Sequence[NDArray[Any]],
    texts: Sequence[NDArray[Any]],
    *,
    shuffles: int = 50,
    seed: int = 0,
    pause: Callable[[], None] = _silent,
) -> Agreement:
    """Linear centred kernel alignment with the unbiased estimator of HSIC.

    1 when the two arrangements differ only by a rotation and a scale, 0 on average when they are
    independent (slightly negative values occur), however few pairs there are for the dimensions.

    Args:
        images: A arrays (n, d), n at least 4; the widths may differ.
        texts: B arrays (n, d); row i belongs to image i.
        shuffles: of the pairs, behind the null.
        seed: of the shuffles.
        pause: called between steps; may raise to stop.

    Raises:
        InputError: arrays of different length, or fewer than 4 pairs.

    Source: Kornblith et al., ICML 2019; unbiased HSIC of Song et al., JMLR 2012.
    """
    _length([*images, *texts])
    sides = [np.stack([_kernel(each) for each in side]) for side in (images, texts)]
    return _compared(sides[0], sides[1], shuffles=shuffles, seed=seed, pause=pause)


def _length(states: Sequence[NDArray[Any]]) -> int:
    sizes = {len(each) for each in states}
    if len(sizes) != 1 or min(sizes) < 4:
        raise InputError(
            "states of layers",
            expected="the same pairs in every layer, at least 4",
            got=", ".join(map(str, sorted(sizes))) or "no layer",
        )
    return sizes.pop()


def _kernel(states: NDArray[Any]) -> Array:
    """The U-centred linear kernel, scaled to norm 1: products of two are the unbiased CKA."""
    rows = states.astype(np.float64)
    rows = rows - rows.mean(axis=0)
    kernel = rows @ rows.T
    n = len(kernel)
    np.fill_diagonal(kernel, 0.0)
    sums = kernel.sum(axis=1)
    kernel -= (sums[:, None] + sums[None, :]) / (n - 2)
    kernel += sums.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(kernel, 0.0)
    norm = float(np.linalg.norm(kernel))
    found: Array = kernel / norm if norm > 0 else kernel
    return found


def neighbours(states: NDArray[Any], k: int) -> NDArray[np.int32]:
    """The k nearest other rows of each row by cosine, nearest first: int32 (n, k).

    Raises:
        InputError: k is not between 1 and n - 1.
    """
    n = len(states)
    if not 1 <= k < n:
        raise InputError("neighbours", expected=f"1 to {n - 1}", got=str(k))
    rows = states.astype(np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    sim = rows @ rows.T
    np.fill_diagonal(sim, -np.inf)
    found: NDArray[np.int32] = np.argsort(-sim, axis=1, kind="stable")[:, :k].astype(np.int32)
    return found


def neighbour_map(
    images: Sequence[NDArray[np.int32]],
    texts: Sequence[NDArray[np.int32]],
    *,
    shuffles: int = 50,
    seed: int = 0,
    pause: Callable[[], None] = _silent,
) -> Agreement:
    """Mean share of common neighbours: 1 when both have the same ones, k / (n - 1) by chance.

    Args:
        images: A arrays (n, k) of ``neighbours``.
        texts: B arrays (n, k).
        shuffles: of the pairs, behind the null.
        seed: of the shuffles.
        pause: called between steps; may raise to stop.

    Source: Huh et al., The Platonic Representation Hypothesis, ICML 2024 (mutual k-NN).
    """
    n = _length([*images, *texts])
    sides = [np.stack([_sets(each, n) for each in side]) for side in (images, texts)]
    return _compared(sides[0], sides[1], shuffles=shuffles, seed=seed, pause=pause)


def _sets(near: NDArray[np.int32], n: int) -> Array:
    """(n, n) marks of the neighbours, scaled so that equal sets give a product of 1."""
    found = np.zeros((n, n))
    np.put_along_axis(found, near.astype(np.int64), 1 / np.sqrt(near.size), axis=1)
    return found


def _compared(
    images: NDArray[Any],
    texts: NDArray[Any],
    *,
    shuffles: int,
    seed: int,
    pause: Callable[[], None],
) -> Agreement:
    """Products of every two (n, n) matrices, and the same with one side's pairs shuffled."""
    flat: NDArray[Any] = images.reshape(len(images), -1)
    values = flat @ texts.reshape(len(texts), -1).T
    rng, drawn = np.random.default_rng(seed), np.empty((shuffles, *values.shape))
    # Half the bytes to move: what chance gives needs no sixteen digits.
    flat, texts = flat.astype(np.float32), texts.astype(np.float32)
    for nth in range(shuffles):
        pause()
        order = rng.permutation(images.shape[1])
        shuffled = texts[:, order][:, :, order]
        drawn[nth] = flat @ shuffled.reshape(len(texts), -1).T
    return Agreement(values, np.quantile(drawn, 0.95, axis=0), float(drawn.mean()))


def linked_recall(
    images: Sequence[NDArray[Any]],
    texts: Sequence[NDArray[Any]],
    same: NDArray[Any],
    *,
    seed: int = 0,
    pause: Callable[[], None] = _silent,
) -> tuple[Array, float]:
    """Recall@1 from text states to image states through a linear map learned on other pairs.

    A ridge regression from the states of a text layer to those of an image layer is fitted on one
    half of the pairs (penalty: the mean eigenvalue); each text of the other half then looks for its
    image by cosine, among that half.

    Args:
        images: A arrays (n, d).
        texts: B arrays (n, d); row i belongs to image i.
        same: (n,) equal numbers for equal texts: any image with the very same text is right.
        seed: of the halves.
        pause: called between steps; may raise to stop.

    Returns:
        (A, B) shares in [0, 1], and the share that a random order would reach.
    """
    n = _length([*images, *texts])
    fit, judge = np.array_split(np.random.default_rng(seed).permutation(n), 2)
    right = same[judge][:, None] == same[judge][None, :]
    scaled = [[_scaled(each, fit) for each in side] for side in (images, texts)]
    found = np.empty((len(images), len(texts)))
    for column, text in enumerate(scaled[1]):
        pause()
        square = text[fit].T @ text[fit]
        square[np.diag_indices_from(square)] += max(np.trace(square) / len(square), 1e-12)
        learned = np.concatenate([text[fit].T @ image[fit] for image in scaled[0]], axis=1)
        guessed = text[judge] @ np.linalg.solve(square, learned)
        ends = np.cumsum([image.shape[1] for image in scaled[0]])[:-1]
        for row, part in enumerate(np.split(guessed, ends, axis=1)):
            sim = _rows(part) @ _rows(scaled[0][row][judge]).T
            found[row, column] = float((ranks(sim, right) == 1).mean())
    return found, float(right.mean())


def _scaled(states: NDArray[Any], fit: NDArray[Any]) -> Array:
    """Centred by the half that is learned from, with an average variance of 1."""
    rows = states.astype(np.float64)
    rows = rows - rows[fit].mean(axis=0)
    found: Array = rows / max(float(np.sqrt((rows[fit] ** 2).mean())), 1e-12)
    return found


def _rows(states: Array) -> Array:
    found: Array = states / np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-12)
    return found
