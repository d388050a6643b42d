"""Which modality an expert serves: shares of tokens by modality, and how far the two lie apart.

Everything rests on ``q_m(e)``, the share of modality m's tokens that go to expert e. The share of
text among an expert's tokens, its purity, is not used: with many more image than text tokens, even
an expert that takes all text can be mostly image.

Arrays of counts and shares end in the axes (E, 2), expert and modality (0 image, 1 text); whatever
stands before (layers, draws, checkpoints) is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.experts.entropies import effective, entropy, normalised
from workbench.experts.records import IMAGE, TEXT, Counts, Recorded

__all__ = [
    "DEAD",
    "Shares",
    "contributions",
    "divergence",
    "modality_index",
    "modality_shares",
    "mutual_information",
    "normalised_information",
    "overlap",
    "shares",
]

DEAD = 0.002
"""An expert with a smaller share of the tokens of its layer counts as dead."""


def modality_shares(counts: NDArray[Any]) -> Counts:
    """p(expert | modality), 0 to 1: sums to 1 over experts; NaN for a modality without tokens.

    Args:
        counts: (..., E, 2), tokens.
    """
    return normalised(counts, axis=-2)


def contributions(q: NDArray[Any]) -> Counts:
    """What each expert adds to the divergence, in bits, (..., E): at least 0, sums to it.

    ``1/2 q_i log2(q_i / m) + 1/2 q_t log2(q_t / m)`` with ``m = (q_i + q_t) / 2``.

    Args:
        q: (..., E, 2), p(expert | modality).
    """
    values = np.asarray(q, np.float64)
    middle = values.mean(axis=-1, keepdims=True)
    ratio = np.divide(values, middle, out=np.ones(values.shape), where=values != 0)
    found: Counts = np.maximum(0.0, (values * np.log2(ratio)).sum(axis=-1) / 2)
    return found


def divergence(q: NDArray[Any]) -> Counts:
    """Jensen-Shannon divergence of image and text routing in bits, (...): 0 alike, 1 disjoint.

    The information that one token's expert gives about its modality if images and texts had as
    many tokens: it does not depend on how many there are of each, nor on how experts are numbered.

    Args:
        q: (..., E, 2), p(expert | modality).

    Source: J. Lin, IEEE Transactions on Information Theory 1991.
    """
    found: Counts = np.minimum(1.0, contributions(q).sum(axis=-1))
    return found


def modality_index(q: NDArray[Any]) -> Counts:
    """Which side an expert serves, (..., E): -1 images alone, 0 both alike, 1 texts alone.

    ``(q_t - q_i) / (q_t + q_i)``; NaN for an expert without any token.

    Args:
        q: (..., E, 2), p(expert | modality).
    """
    values = np.asarray(q, np.float64)
    total = values.sum(axis=-1)
    difference = values[..., TEXT] - values[..., IMAGE]
    found: Counts = np.divide(
        difference, total, out=np.full(total.shape, np.nan), where=np.nan_to_num(total) > 0
    )
    return found


def overlap(q: NDArray[Any]) -> Counts:
    """Share of routing that both modalities have in common, (...): ``sum_e min(q_i, q_t)``.

    0 where they share no expert, 1 where they are routed alike; 1 minus the total variation.

    Args:
        q: (..., E, 2), p(expert | modality).
    """
    found: Counts = np.asarray(q, np.float64).min(axis=-1).sum(axis=-1)
    return found


def mutual_information(counts: NDArray[Any]) -> Counts:
    """Information of a token's expert about its modality in bits, (...), at the ratio there is.

    From 0 to the entropy of the modality, which is small where one modality has nearly all tokens:
    read it with the share of text beside it, or use ``divergence``. NaN without tokens.

    Args:
        counts: (..., E, 2), tokens.

    Source: C. E. Shannon, 1948.
    """
    joint = _joint(counts)
    flat = joint.reshape(*joint.shape[:-2], -1)
    nats = entropy(joint.sum(axis=-1)) + entropy(joint.sum(axis=-2)) - entropy(flat)
    found: Counts = np.maximum(0.0, nats / np.log(2))
    return found


def normalised_information(counts: NDArray[Any]) -> Counts:
    """The same over its greatest value, ``I(M; E) / H(M)``, (...): 0 to 1.

    NaN where one modality has all tokens. Still depends on the ratio of the modalities, though less
    than purity does.

    Args:
        counts: (..., E, 2), tokens.
    """
    bits = entropy(_joint(counts).sum(axis=-2)) / np.log(2)
    information = mutual_information(counts)
    found: Counts = np.divide(
        information, bits, out=np.full(bits.shape, np.nan), where=np.nan_to_num(bits) > 0
    )
    return np.minimum(1.0, found)


def _joint(counts: NDArray[Any]) -> Counts:
    values = np.asarray(counts, np.float64)
    flat = values.reshape(*values.shape[:-2], -1)
    return normalised(flat).reshape(values.shape)


@dataclass(frozen=True)
class Shares:
    """How a recording's layers share their experts out between image and text.

    Args:
        share: (L, E, 2), p(expert | modality) by choice; NaN for a modality without tokens.
        load: (L, E), share of all tokens, which follows the modality with more of them.
        index: (L, E), -1 images alone to 1 texts alone; NaN for an expert without tokens.
        contribution: (L, E), bits that an expert adds to ``jsd``.
        jsd: (L,), Jensen-Shannon divergence in bits.
        mutual: (L,), I(M; E) in bits, at the recorded ratio of tokens.
        nmi: (L,), the same over H(M).
        text_share: (L,), share of text among tokens; belongs beside ``mutual`` and ``nmi``.
        overlap: (L,), sum of the smaller share.
        effective: (L, 2), effective number of experts by choice.
        effective_soft: (L, 2), by probability; NaN where the router has none.
        dead: bool (L, E), a share of the tokens below ``DEAD``.
    """

    share: Counts
    load: Counts
    index: Counts
    contribution: Counts
    jsd: Counts
    mutual: Counts
    nmi: Counts
    text_share: Counts
    overlap: Counts
    effective: Counts
    effective_soft: Counts
    dead: NDArray[np.bool_]

    @property
    def order(self) -> NDArray[np.int64]:
        """Experts of each layer from image to text, int64 (L, E): those without tokens last.

        Ties by number. An expert's number means nothing from one layer to the next.
        """
        return np.argsort(self.index, axis=1, kind="stable").astype(np.int64)


def shares(recorded: Recorded) -> Shares:
    """Shares and divergence of each layer; NaN where a modality has no tokens."""
    q = modality_shares(recorded.loads)
    load = normalised(recorded.loads.sum(axis=2))
    return Shares(
        share=q,
        load=load,
        index=modality_index(q),
        contribution=contributions(q),
        jsd=divergence(q),
        mutual=mutual_information(recorded.loads),
        nmi=normalised_information(recorded.loads),
        text_share=recorded.text_share,
        overlap=overlap(q),
        effective=effective(q, axis=1),
        effective_soft=effective(modality_shares(recorded.soft), axis=1),
        dead=~(load >= DEAD),
    )
