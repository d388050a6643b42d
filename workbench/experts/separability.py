"""Whether a straight cut tells images from texts, layer by layer of a shared space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from workbench.experts.gap import checked_pairs

__all__ = ["Separability", "auroc", "separability"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Separability:
    """How well the difference of means separates the modalities on pairs it was not taken from.

    Args:
        auroc: chance that a text lies further along the direction than an image, in [0, 1];
            .5 says nothing, 1 separates fully. Mean of the two halves.
        null: 95th percentile of the same when image and text of each pair are swapped at random.
        images: (n,) where each image lies along the direction of the other half; 0 is the middle
            between the centroids, texts lie above.
        texts: (n,) the same of the texts.
    """

    auroc: float
    null: float
    images: Array
    texts: Array


def auroc(below: NDArray[Any], above: NDArray[Any]) -> float:
    """Chance that a value of ``above`` exceeds one of ``below``, ties counting half."""
    n, m = len(below), len(above)
    ranks = rankdata(np.concatenate([below, above]))
    return float(ranks[n:].sum() - m * (m + 1) / 2) / (n * m)


def separability(
    images: NDArray[Any], texts: NDArray[Any], *, shuffles: int = 100, seed: int = 0
) -> Separability:
    """Fit the direction on one half of the pairs and judge it on the other, both ways round.

    Only for a space that both modalities share: states of two towers with different weights are
    separated by that alone.

    Args:
        images: (n, d) states.
        texts: (n, d) states of the same layer of the same tower.
        shuffles: behind the null.
        seed: of the halves and the null.

    Raises:
        InputError: see ``workbench.experts.gap.checked_pairs``.
    """
    x, y = checked_pairs(images, texts)
    rng = np.random.default_rng(seed)
    halves = np.array_split(rng.permutation(len(x)), 2)
    signs = rng.integers(0, 2, size=(shuffles, len(x))) * 2.0 - 1
    low, high = np.empty(len(x)), np.empty(len(x))
    found, null = [], []
    for fit, judge in (halves, halves[::-1]):
        direction = (y[fit] - x[fit]).mean(axis=0)
        direction /= max(float(np.linalg.norm(direction)), 1e-12)
        middle = (x[fit].mean(axis=0) + y[fit].mean(axis=0)) @ direction / 2
        low[judge], high[judge] = x[judge] @ direction - middle, y[judge] @ direction - middle
        found.append(auroc(low[judge], high[judge]))
        null.append(_null(x, y, fit, judge, signs))
    quantile = float(np.quantile(np.mean(null, axis=0), 0.95))
    return Separability(float(np.mean(found)), quantile, low, high)


def _null(x: Array, y: Array, fit: Any, judge: Any, signs: NDArray[Any]) -> Array:
    """AUROC of each shuffle (P,): labels swapped within pairs before fitting and judging."""
    directions = signs[:, fit] @ (y[fit] - x[fit])
    middle = (x[judge] + y[judge]) @ directions.T / 2
    half = signs[:, judge].T * ((y[judge] - x[judge]) @ directions.T) / 2
    n = len(judge)
    ranks = rankdata(np.concatenate([middle - half, middle + half]), axis=0)
    found: Array = (ranks[n:].sum(axis=0) - n * (n + 1) / 2) / n**2
    return found
