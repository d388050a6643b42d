"""What switching experts off does: answers that change, vectors that move, and by chance alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.records import Counts
from workbench.experts.specificity import benjamini_hochberg
from workbench.measures.compare import mcnemar
from workbench.types import Floats

__all__ = [
    "LEAST_EFFECT",
    "Beside",
    "Damage",
    "Pick",
    "beside",
    "causal_index",
    "damage",
    "drawn",
    "found_first",
    "moved",
]

LEAST_EFFECT = 1e-3
"""Of both shifts together: below it an expert does too little to call it an image or text one."""

_BLOCK = 512
_TRIES = 50

Pick = tuple[tuple[int, int], ...]
"""Experts as (block, expert), rising."""


@dataclass(frozen=True)
class Damage:
    """Changed answers group by group, e.g. class by class; G groups.

    Args:
        n: int64 (G,), images.
        before: float64 (G,), share answered rightly with all experts; NaN where n is 0.
        after: float64 (G,), without some.
        fixed: int64 (G,), images answered rightly only without them.
        broken: int64 (G,), images answered rightly only with them.
        p: float64 (G,), McNemar's test that they make no difference; NaN where n is 0.
        q: float64 (G,), the same, adjusted for the number of groups (Benjamini and Hochberg).
    """

    n: NDArray[np.int64]
    before: Counts
    after: Counts
    fixed: NDArray[np.int64]
    broken: NDArray[np.int64]
    p: Counts
    q: Counts


def damage(
    group: NDArray[Any], truth: NDArray[Any], before: NDArray[Any], after: NDArray[Any], groups: int
) -> Damage:
    """Count what changed in each group.

    Args:
        group: (N,) group of each image, 0 to G - 1; below 0 for none.
        truth: (N,) right answers.
        before: (N,) answers with all experts.
        after: (N,) answers without some.
        groups: G.

    Raises:
        InputError: arrays of different length.
    """
    if len({len(each) for each in (group, truth, before, after)}) != 1:
        got = ", ".join(str(len(each)) for each in (group, truth, before, after))
        raise InputError("damage", expected="answers to the same images", got=got)
    first, second = before == truth, after == truth

    def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(group[which & (group >= 0)], minlength=groups)

    n, fixed, broken = count(group >= 0), count(second & ~first), count(first & ~second)
    pairs = zip(n.tolist(), fixed.tolist(), broken.tolist(), strict=True)
    p = np.array([mcnemar(up, down) if all_ else np.nan for all_, up, down in pairs])
    with np.errstate(invalid="ignore"):
        shares = (count(first) / n, count(second) / n)
    return Damage(n, *shares, fixed, broken, p, benjamini_hochberg(p))


def moved(before: Floats, after: Floats) -> Floats:
    """How far each vector moved: 1 - cosine, float32 (N,), in [0, 2].

    Args:
        before: (N, D) unit rows.
        after: (N, D) unit rows.
    """
    # half the squared distance: exact near 0, where 1 - cosine would be rounding alone
    apart = after.astype(np.float64) - before
    found: Floats = ((apart**2).sum(axis=1) / 2).astype(np.float32)
    return found


def causal_index(image: Any, text: Any, least: float = LEAST_EFFECT) -> Counts:
    """Which modality an expert matters to: (text - image) / (text + image), in [-1, 1].

    -1 moves only images, 1 only texts. NaN where both shifts together are below ``least``: the
    ratio of two effects near 0 says nothing.

    Args:
        image: mean shift of image vectors, any shape.
        text: mean shift of text vectors, same shape.
        least: smallest total effect that is judged.
    """
    image, text = np.asarray(image, np.float64), np.asarray(text, np.float64)
    total = image + text
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Counts = np.where(total >= least, (text - image) / total, np.nan)
    return found


def found_first(
    queries: Floats, gallery: Floats, wanted: NDArray[np.int64], groups: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether the best result of each query is a right one: bool (Q,). Its mean is recall@1.

    A tie between a right and a wrong result counts as not found: nothing but the order of the
    files would decide it.

    Args:
        queries: (Q, D) unit rows.
        gallery: (G, D) unit rows.
        wanted: (Q,), the group of right results.
        groups: (G,), the group of each result.
    """
    found = np.zeros(len(queries), np.bool_)
    for start in range(0, len(queries), _BLOCK):
        span = slice(start, start + _BLOCK)
        scores = queries[span] @ gallery.T
        right = groups[None, :] == wanted[span, None]
        best = np.where(right, scores, -np.inf).max(axis=1)
        found[span] = best > np.where(right, -np.inf, scores).max(axis=1, initial=-np.inf)
    return found


@dataclass(frozen=True)
class Beside:
    """An effect beside that of as many experts drawn at random.

    Args:
        mean: of the controls; NaN without any.
        low: the smallest of them.
        high: the largest.
        share: of all draws, the effect itself among them, that are at least as large as it; the
            smallest it can be is 1 / (controls + 1).
    """

    mean: float
    low: float
    high: float
    share: float


def beside(effect: float, controls: Sequence[float]) -> Beside:
    """Compare an effect (larger is more) with those of the controls."""
    if not len(controls):
        return Beside(np.nan, np.nan, np.nan, 1.0)
    values = np.asarray(controls, np.float64)
    share = (1 + int(np.count_nonzero(values >= effect))) / (len(values) + 1)
    return Beside(float(values.mean()), float(values.min()), float(values.max()), share)


def drawn(off: Pick, experts: int, controls: int, seed: int) -> tuple[Pick, ...]:
    """Other experts to switch off instead: as many in each block, distinct draws.

    From the block's other experts where there are enough of them, else from all of the block;
    never the same set. Fewer than asked where there are no more sets, none where every expert of
    each block is off.

    Args:
        off: the experts whose effect is asked.
        experts: E.
        controls: draws.
        seed: of the draws.
    """
    chance = np.random.default_rng(seed)
    blocks = sorted({layer for layer, _ in off})
    found: dict[Pick, None] = {}
    for _ in range(controls * _TRIES):
        if len(found) == controls:
            break
        pick: list[tuple[int, int]] = []
        for layer in blocks:
            mine = [expert for block, expert in off if block == layer]
            rest = [each for each in range(experts) if each not in mine]
            pool = rest if len(rest) >= len(mine) else range(experts)
            chosen = chance.choice(np.array(pool), len(mine), replace=False)
            pick += [(layer, int(each)) for each in sorted(chosen)]
        if tuple(pick) != off:
            found[tuple(pick)] = None
    return tuple(found)
