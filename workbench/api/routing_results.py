"""What questions about recorded routing are answered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ExpertSpread",
    "ExpertWords",
    "Flows",
    "InputTokens",
    "Mixtures",
    "Patch",
    "Recording",
    "SideTokens",
]

Box = tuple[float, float, float, float]
"""Left, upper, right and lower edge, as shares of a picture's width and height. Outside of 0 to 1
where the model sees a margin that the picture does not have."""


@dataclass(frozen=True)
class Mixtures:
    """The experts of a registered model.

    Args:
        layers: numbers of the blocks that are mixtures.
        experts: of each (E).
        top_k: experts a token (K).
        capacity_factor: of training.
        modality_bias: a learned vector a modality is added to its tokens.
        grid: patches a side.
    """

    layers: tuple[int, ...]
    experts: int
    top_k: int
    capacity_factor: float
    modality_bias: bool
    grid: int


@dataclass(frozen=True)
class Recording:
    """One recording of routing that was made.

    Args:
        key: of the recording; the same question has the same key.
        dataset: its name.
        model: its name; its key where the model was removed since.
        model_key: its key.
        layers: numbers of the blocks that are mixtures.
        experts: of each (E).
        top_k: experts a token (K).
        grid: patches a side of an image.
        modalities: ``both``, ``image`` or ``text``.
        inputs: images and texts that were recorded, by modality.
        tokens: of them, in one layer, by modality.
        dropped: share of choices without room, over all layers, by modality; None without tokens.
        capacity_factor: None where nothing is dropped, or where the model has its own rule.
        batch: items that went through the model together and competed for room.
        limit: items at most; None for all.
        flags: dropless, score (how logits become gates), bias_selected, shared.
        notes: sentences on what was left out and how.
        seconds: that it took.
        created: seconds since 1970.
        current: the dataset is as it was.
    """

    key: str
    dataset: str
    model: str
    model_key: str
    layers: tuple[int, ...]
    experts: int
    top_k: int
    grid: int
    modalities: str
    inputs: Mapping[str, int]
    tokens: Mapping[str, int]
    dropped: Mapping[str, float | None]
    capacity_factor: float | None
    batch: int
    limit: int | None
    flags: Mapping[str, Any]
    notes: tuple[str, ...]
    seconds: float
    created: float
    current: bool

    @property
    def label(self) -> str:
        """One line that says which recording this is."""
        room = self.capacity_factor
        own = "nothing dropped" if self.flags.get("dropless", True) else "its own capacity"
        drops = own if room is None else f"capacity {room:g}"
        some = "" if self.limit is None else f" · {self.limit:,} items"
        side = "" if self.modalities == "both" else f" · {self.modalities} only"
        return f"{self.model} · {self.dataset}{some}{side} · {drops}"


@dataclass(frozen=True)
class Patch:
    """One patch of one image.

    Args:
        rank: 0 for the largest gate.
        row: of the item.
        position: number of the patch, row by row from the upper left.
        gate: its weight.
        box: where it lies in the picture.
    """

    rank: int
    row: int
    position: int
    gate: float
    box: Box


@dataclass(frozen=True)
class ExpertWords:
    """Words by how often they chose an expert, beside how often they occur.

    Args:
        words: distinct, the most frequent of the expert first.
        n: (W,), occurrences that chose the expert (choices / K).
        base: (W,), occurrences in all.
        total: tokens of texts that chose the expert.
        base_total: tokens of texts in all.
    """

    words: tuple[str, ...]
    n: NDArray[np.float64]
    base: NDArray[np.float64]
    total: float
    base_total: float


@dataclass(frozen=True)
class ExpertSpread:
    """How the choices of an expert lie over gates and over places.

    Args:
        gates: (2, 20), choices by gate, from 0 to 1, by modality.
        patches: (grid, grid), choices by place in the image.
        words: (S,), choices by place in the text.
        base_patches, base_words: the same over all experts: where tokens stand at all.
    """

    gates: NDArray[np.int64]
    patches: NDArray[np.int64]
    words: NDArray[np.int64]
    base_patches: NDArray[np.int64]
    base_words: NDArray[np.int64]


@dataclass(frozen=True)
class SideTokens:
    """The tokens of one input in every layer.

    Args:
        positions: int64 (n,), number of the patch or place of the word.
        words: (n,); empty for an image.
        experts: int64 (L, n, K), best first; -1 where a layer did not see the token.
        gates: (L, n, K); NaN there.
        kept: bool (L, n, K); False there.
        probs: (L, n, E), the router's distribution; None where it has none.
    """

    positions: NDArray[np.int64]
    words: tuple[str, ...]
    experts: NDArray[np.int64]
    gates: NDArray[np.float64]
    kept: NDArray[np.bool_]
    probs: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class InputTokens:
    """An item's image and its first caption, token by token.

    Args:
        row: of the item.
        layers: numbers of the blocks (L).
        grid: patches a side.
        seen: the part of the picture that the model saw; the grid divides it evenly.
        image: tokens of the image; None where it was not recorded.
        text: tokens of the caption; None where there is none.
    """

    row: int
    layers: tuple[int, ...]
    grid: int
    seen: Box
    image: SideTokens | None
    text: SideTokens | None


@dataclass(frozen=True)
class Flows:
    """Where tokens go on, and which experts are chosen together.

    Args:
        layers: numbers of the blocks (L).
        flow: int64 (L - 1, 2, E, E), tokens by modality, first choice in a layer (row) and in the
            next (column).
        together: int64 (L, 2, E, E), tokens by modality that chose both; symmetric; all zero
            for K = 1.
    """

    layers: tuple[int, ...]
    flow: NDArray[np.int64]
    together: NDArray[np.int64]
