"""Which hidden units answer to images and which to texts, where both pass the same weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm, rankdata

from workbench.experts.gap import checked_pairs

__all__ = ["EDGES", "Selectivity", "selectivity"]

EDGES: NDArray[np.float64] = np.linspace(-1, 1, 41)
"""Of the histograms of selectivity."""

_UNITS = 512


@dataclass(frozen=True)
class Selectivity:
    """Modality selectivity of U units over n pairs.

    Args:
        values: (U,) ``2 * AUROC - 1`` in [-1, 1]: 1 when every text excites the unit more than
            every image, -1 the other way round, 0 when they cannot be told apart.
        p: (U,) two-sided, of swapping image and text within pairs (normal approximation with the
            exact variance).
        q: (U,) the same, adjusted by Benjamini and Hochberg over the units.
        null: int64 (40,) histogram over ``EDGES`` of the values of all units in all shuffles.
        largest: 95th percentile over shuffles of the largest absolute value of any unit.
        shuffles: behind ``null`` and ``largest``.
    """

    values: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    null: NDArray[np.int64]
    largest: float
    shuffles: int


def _silent() -> None:
    """Do nothing between two parts."""


def selectivity(
    images: NDArray[Any],
    texts: NDArray[Any],
    *,
    shuffles: int = 200,
    seed: int = 0,
    pause: Callable[[], None] = _silent,
) -> Selectivity:
    """Selectivity of every unit.

    Args:
        images: (n, U) activations, one row an image.
        texts: (n, U) activations of the same units; row i belongs to image i.
        shuffles: behind the null.
        seed: of the shuffles.
        pause: called between parts; may raise to stop.

    Raises:
        InputError: see ``workbench.experts.gap.checked_pairs``.
    """
    x, y = checked_pairs(images, texts)
    n, units = x.shape
    signs = np.random.default_rng(seed).integers(0, 2, size=(shuffles, n)) * 2.0 - 1
    values, p = np.empty(units), np.empty(units)
    null, largest = np.zeros(len(EDGES) - 1, dtype=np.int64), np.zeros(shuffles)
    for start in range(0, units, _UNITS):
        pause()
        part = slice(start, min(start + _UNITS, units))
        ranks = rankdata(np.concatenate([x[:, part], y[:, part]]), axis=0)
        apart = ranks[n:] - ranks[:n]
        values[part] = apart.sum(axis=0) / n**2
        deviation = np.sqrt((apart**2).sum(axis=0))
        z = np.divide(
            apart.sum(axis=0), deviation, out=np.zeros_like(deviation), where=deviation > 0
        )
        p[part] = 2 * norm.sf(np.abs(z))
        drawn = signs @ apart / n**2
        null += np.histogram(np.clip(drawn, -1, 1), bins=EDGES)[0]
        largest = np.maximum(largest, np.abs(drawn).max(axis=1, initial=0))
    q = false_discovery_control(p) if units else p
    return Selectivity(values, p, q, null, float(np.quantile(largest, 0.95)), shuffles)
