"""A recording in a few figures a layer: what `workbench experts summary` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.experts.entropies import entropies
from workbench.experts.intervals import intervals, null
from workbench.experts.records import MODALITIES, Counts, Recorded
from workbench.experts.shares import shares

__all__ = ["LayerSummary", "summarise"]

BySide = Mapping[str, float]
"""A figure for ``image`` and one for ``text``; NaN for a modality without tokens."""


@dataclass(frozen=True)
class LayerSummary:
    """One mixture layer.

    Args:
        layer: number of the block.
        jsd_bits: Jensen-Shannon divergence of p(expert | image) and p(expert | text): 0 alike, 1
            no expert in common.
        jsd_interval: 95% interval, pairs drawn again.
        jsd_by_chance: what 95% of shuffles of the modality among inputs stay below.
        nmi: I(modality; expert) / H(modality), which depends on ``text_share``.
        mutual_bits: I(modality; expert).
        text_share: share of text among the tokens.
        overlap: routing that both have in common.
        effective_experts: exp of the entropy of the choices.
        effective_experts_soft: the same of the average probabilities.
        dropped: share of choices without room.
        entropy_local: mean natural entropy of a token's routing.
        entropy_global: natural entropy of the average routing.
        dead_experts: numbers of experts with nearly no token.
        tokens: how many passed.
    """

    layer: int
    jsd_bits: float
    jsd_interval: tuple[float, float]
    jsd_by_chance: float
    nmi: float
    mutual_bits: float
    text_share: float
    overlap: float
    effective_experts: BySide
    effective_experts_soft: BySide
    dropped: BySide
    entropy_local: BySide
    entropy_global: BySide
    dead_experts: tuple[int, ...]
    tokens: BySide


def summarise(recorded: Recorded, *, draws: int = 1000, seed: int = 0) -> tuple[LayerSummary, ...]:
    """The figures of every layer, in the model's order; none for a recording without inputs.

    Args:
        recorded: what was recorded.
        draws: of the interval, and shuffles.
        seed: the same seed gives the same interval and chance.
    """
    if not len(recorded.inputs):
        return ()
    found, decided = shares(recorded), entropies(recorded)
    ends = intervals(recorded, draws=draws, seed=seed).jsd
    high = null(recorded, draws=draws, seed=seed).high
    dropped = recorded.dropped
    return tuple(
        LayerSummary(
            layer=int(layer),
            jsd_bits=float(found.jsd[at]),
            jsd_interval=(float(ends[at, 0]), float(ends[at, 1])),
            jsd_by_chance=float(high[at]),
            nmi=float(found.nmi[at]),
            mutual_bits=float(found.mutual[at]),
            text_share=float(found.text_share[at]),
            overlap=float(found.overlap[at]),
            effective_experts=_sides(found.effective[at]),
            effective_experts_soft=_sides(found.effective_soft[at]),
            dropped=_sides(dropped[at]),
            entropy_local=_sides(decided.local[at]),
            entropy_global=_sides(decided.soft[at]),
            dead_experts=tuple(np.flatnonzero(found.dead[at]).tolist()),
            tokens=_sides(recorded.tokens[at]),
        )
        for at, layer in enumerate(recorded.layers)
    )


def _sides(values: Counts) -> BySide:
    return dict(zip(MODALITIES, values.tolist(), strict=True))
