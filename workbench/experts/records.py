"""What routing was recorded over a set of inputs, summed up as arrays: the ground of every figure.

Axes: L mixture layers in the model's order, E experts, n inputs (an image or a text is one input),
and the modality, always 0 for images and 1 for texts.

Counts of choices are in tokens: a token that goes to K experts counts 1 / K for each, so that the
sum over experts is the number of tokens for any K.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.types import Rows

__all__ = ["CONFIDENCE_BINS", "IMAGE", "MODALITIES", "TEXT", "Counts", "Inputs", "Recorded"]

MODALITIES = ("image", "text")
IMAGE, TEXT = 0, 1
CONFIDENCE_BINS = 20

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Inputs:
    """Routing of each single image and text, the unit that is drawn again for intervals.

    Tokens of one image are routed alike, so a token is no independent observation; an input is.

    Args:
        rows: int64 (n,), item of the dataset; an image and its caption have the same row.
        modality: int8 (n,), 0 image, 1 text.
        hard: (n, L, E), tokens that chose an expert, kept or not.
        soft: (n, L, E), sum of the tokens' probabilities; NaN where the router has none.
        tokens: (n, L), tokens of the input that passed the layer.
        kept: (n, L), how many of them found room, in the unit of ``hard``.
        entropy: (n, L), sum of the tokens' natural entropies; NaN where the router has none.
    """

    rows: Rows
    modality: NDArray[np.int8]
    hard: NDArray[Any]
    soft: NDArray[Any]
    tokens: NDArray[Any]
    kept: NDArray[Any]
    entropy: NDArray[Any]

    def __post_init__(self) -> None:
        n = len(self.rows)
        if self.hard.ndim != 3:
            raise InputError("hard of inputs", expected="(n, L, E)", got=str(self.hard.shape))
        layers, experts = self.hard.shape[1:]
        flat, wide = (n, layers), (n, layers, experts)
        _fits("rows of inputs", self.rows, (n,))
        _fits("modality of inputs", self.modality, (n,))
        for name in ("hard", "soft"):
            _fits(f"{name} of inputs", getattr(self, name), wide)
        for name in ("tokens", "kept", "entropy"):
            _fits(f"{name} of inputs", getattr(self, name), flat)
        if n and not np.isin(self.modality, (IMAGE, TEXT)).all():
            got = str(sorted(set(self.modality.tolist())))
            raise InputError("modality of inputs", expected="0 (image) or 1 (text)", got=got)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Recorded:
    """Routing of all inputs together, by layer, expert and modality.

    Args:
        layers: int64 (L,), numbers of the blocks that are mixtures, rising.
        top_k: experts a token chooses (K).
        loads: (L, E, 2), tokens that chose an expert, kept or not.
        kept: (L, E, 2), those of ``loads`` that found room.
        soft: (L, E, 2), sums of probabilities; NaN where the router has none.
        gate: (L, E, 2), sums of the gates of the choices in ``loads``.
        tokens: (L, 2), tokens that passed a layer.
        entropy: (L, 2), sums of the tokens' natural entropies; NaN where the router has none.
        confidence: int64 (L, 2, 20), tokens by their largest probability, in bins of 1/20.
        inputs: the same, input by input.
        capacity_factor: of the recording; None where nothing was dropped.

    Raises:
        InputError: arrays whose shapes do not fit each other, or a count below 0.
    """

    layers: Rows
    top_k: int
    loads: Counts
    kept: Counts
    soft: Counts
    gate: Counts
    tokens: Counts
    entropy: Counts
    confidence: NDArray[np.int64]
    inputs: Inputs
    capacity_factor: float | None = None

    def __post_init__(self) -> None:
        if self.loads.ndim != 3 or self.loads.shape[2] != 2:
            raise InputError("loads", expected="(L, E, 2)", got=str(self.loads.shape))
        count, experts, _ = self.loads.shape
        _fits("layers", self.layers, (count,))
        for name in ("loads", "kept", "soft", "gate"):
            _fits(name, getattr(self, name), (count, experts, 2))
        for name in ("tokens", "entropy"):
            _fits(name, getattr(self, name), (count, 2))
        _fits("confidence", self.confidence, (count, 2, CONFIDENCE_BINS))
        _fits("hard of inputs", self.inputs.hard, (len(self.inputs), count, experts))
        if not 1 <= self.top_k <= max(experts, 1):
            raise InputError("top_k", expected=f"1 to {experts}", got=str(self.top_k))

    @property
    def experts(self) -> int:
        """Experts of a layer (E)."""
        return int(self.loads.shape[1])

    @property
    def text_share(self) -> Counts:
        """Share of text among the tokens of each layer, (L,); NaN in a layer without tokens."""
        total = self.tokens.sum(axis=1)
        share: Counts = np.divide(
            self.tokens[:, TEXT], total, out=np.full(len(total), np.nan), where=total > 0
        )
        return share

    @property
    def dropped(self) -> Counts:
        """Share of choices that found no room, (L, 2); NaN for a modality without tokens.

        A choice without room adds nothing to its token: where K = 1 this is the share of tokens
        that pass the layer by the residual alone.
        """
        chosen, kept = self.loads.sum(axis=1), self.kept.sum(axis=1)
        share: Counts = 1 - np.divide(
            kept, chosen, out=np.full(chosen.shape, np.nan), where=chosen > 0
        )
        return share

    def at(self, layer: int) -> int:
        """Place of the block numbered ``layer`` among the recorded ones.

        Raises:
            InputError: that block is no mixture.
        """
        found = np.flatnonzero(self.layers == layer)
        if not len(found):
            known = ", ".join(map(str, self.layers.tolist()))
            raise InputError("layer", expected=f"one of {known}", got=str(layer))
        return int(found[0])


def _fits(name: str, values: NDArray[Any], shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise InputError(name, expected=f"an array {shape}", got=f"an array {values.shape}")
    if np.issubdtype(values.dtype, np.number) and values.size and np.nanmin(values, initial=0) < 0:
        raise InputError(name, expected="counts of at least 0", got=str(np.nanmin(values)))
