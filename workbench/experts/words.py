"""Words of an expert: how much more often they go there than words do, and how fixed words are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.entropies import normalised
from workbench.experts.records import Counts
from workbench.measures.interval import wilson
from workbench.types import Rows

__all__ = ["USES", "Lifts", "Vocabulary", "lifts", "vocabulary"]

USES = 10
"""Fewer uses say little: a word that occurs once goes wholly to one expert, whatever the router."""

_CELLS = 1 << 22


@dataclass(frozen=True)
class Lifts:
    """How much more often words go to one expert than words do on average; each array (W,).

    Args:
        share: share of a word's uses that chose the expert.
        lift: ``share`` over the expert's share of all uses: 1 is no preference; NaN for a word that
            does not occur, or an expert that gets no word.
        low, high: 95% interval of the lift (Wilson), which takes the uses of a word as
            independent; the same word in the same kind of sentence is not quite that.
        rate: the expert's share of all uses.
    """

    share: Counts
    lift: Counts
    low: Counts
    high: Counts
    rate: float

    @property
    def order(self) -> Rows:
        """Words by the lower end of their lift, the surest preference first; NaN last."""
        return np.argsort(-np.nan_to_num(self.low, nan=-1.0), kind="stable").astype(np.int64)


def lifts(n: NDArray[Any], base: NDArray[Any], total: float, base_total: float) -> Lifts:
    """Lift of each word at one expert.

    Args:
        n: (W,), uses that chose the expert (choices / K).
        base: (W,), uses in all.
        total: uses of any word that chose the expert.
        base_total: uses of any word.

    Raises:
        InputError: more uses at the expert than in all.

    Source of the interval: E. B. Wilson, JASA 1927.
    """
    mine, uses = np.asarray(n, np.float64), np.asarray(base, np.float64)
    if mine.shape != uses.shape or (mine > uses + 1e-6).any() or total > base_total + 1e-6:
        expected = "no more uses at an expert than in all"
        raise InputError("uses of words", expected=expected, got=f"{total} of {base_total}")
    rate = total / base_total if base_total else float("nan")
    over = rate if rate > 0 else float("nan")
    share = np.divide(mine, uses, out=np.full(mine.shape, np.nan), where=uses > 0)
    low, high = wilson(mine, uses)
    return Lifts(share, share / over, low / over, high / over, rate)


@dataclass(frozen=True)
class Vocabulary:
    """How firmly words are tied to experts in one layer.

    Args:
        value: mean over words of the share of the uses that chose the word's foremost expert; from
            1 / E to 1. NaN without a word of enough uses.
        chance: mean of the same if each use chose by lot, at the experts' shares of all uses. It
            lies well above 1 / E: the foremost of several draws is never average.
        high: what 95% of these draws by lot stay below.
        words: how many words had enough uses.
        owner: int64 (W,), foremost expert of each word, -1 for a word of too few uses.
        share: (W,), its share; NaN there.
    """

    value: float
    chance: float
    high: float
    words: int
    owner: Rows
    share: Counts


def vocabulary(
    counts: NDArray[Any], *, least: int = USES, draws: int = 200, seed: int = 0
) -> Vocabulary:
    """Vocabulary specialisation of a layer, beside what a router without regard for words has.

    For K > 1 each of a token's K choices counts as a use.

    Args:
        counts: (E, W), uses of each word that chose an expert.
        least: words of fewer uses are left out.
        draws: simulations of chance.
        seed: the same seed gives the same chance.

    Raises:
        InputError: fewer than one draw.

    Source: Muennighoff et al., OLMoE, 2024; the simulated chance is added here.
    """
    if draws < 1:
        raise InputError("simulations", expected="at least 1", got=str(draws))
    values = np.asarray(counts, np.float64)
    uses = values.sum(axis=0)
    enough = (uses >= max(1, least)) & (uses > 0)
    owner = np.full(values.shape[1], -1, np.int64)
    share = np.full(values.shape[1], np.nan)
    if not enough.any():
        return Vocabulary(float("nan"), float("nan"), float("nan"), 0, owner, share)
    owner[enough] = values[:, enough].argmax(axis=0)
    share[enough] = values[:, enough].max(axis=0) / uses[enough]
    lot = _by_lot(uses[enough], normalised(values.sum(axis=1)), draws, seed)
    return Vocabulary(
        value=float(share[enough].mean()),
        chance=float(lot.mean()),
        high=float(np.quantile(lot, 0.95)),
        words=int(enough.sum()),
        owner=owner,
        share=share,
    )


def _by_lot(uses: Counts, rates: Counts, draws: int, seed: int) -> Counts:
    """Mean foremost share over words in each of ``draws`` simulations, (B,)."""
    rng = np.random.default_rng(seed)
    sizes = np.rint(uses).astype(np.int64)
    step = max(1, _CELLS // (len(sizes) * len(rates)))
    means = []
    for start in range(0, draws, step):
        shape = (min(step, draws - start), len(sizes))
        drawn = rng.multinomial(sizes, rates, size=shape)
        means.append((drawn.max(axis=-1) / sizes).mean(axis=1))
    return np.concatenate(means).astype(np.float64)
