"""Pictures and tokens -> batches of a training, each fully determined by the seed and the step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

__all__ = ["MEAN", "SMALLEST_CROP", "STD", "Pairs", "crops", "jitter", "order", "rows_of", "whole"]

MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)
"""Of the pixels, as fractions: what a LIMoE trained here sees."""

SMALLEST_CROP = 0.75
"""The smallest crop's side, as a share of the picture's."""

CROP_GROUP = 32
"""Pictures whose crops share one size, which lets one resize serve them."""


class Pairs(Protocol):
    """Pictures with their captions, and where a training gets its batches."""

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Pixels float32 (B, 3, H, W), normalised, and tokens int64 (B, context length)."""
        ...

    def held_out(self) -> tuple[Tensor, Tensor]:
        """Pairs that no batch holds, without augmentation, in the same form."""
        ...


@lru_cache(maxsize=2)  # every step of an epoch asks for the same one
def order(seed: int, epoch: int, rows: int) -> NDArray[np.int64]:
    """The order in which an epoch visits the pairs: a permutation of ``rows``."""
    found = default_rng((seed, 1, epoch)).permutation(rows)
    found.setflags(write=False)
    return found


def rows_of(seed: int, step: int, batch: int, rows: int) -> NDArray[np.int64]:
    """Rows of the pairs in batch number ``step``; epochs follow each other without a gap."""
    at = np.arange(step * batch, (step + 1) * batch)
    epochs = {int(e): order(seed, int(e), rows) for e in np.unique(at // rows)}
    return np.array([epochs[int(i) // rows][int(i) % rows] for i in at])


def crops(pictures: Sequence[NDArray[np.uint8]], rng: Generator, size: int) -> Tensor:
    """Random square crops, resized to the model's input and made lighter or darker.

    Args:
        pictures: uint8 (S, S, 3) each, all of one size S.
        rng: decides sizes, places and brightness.
        size: of the model's input, in pixels.

    Returns:
        float32 (B, 3, size, size), normalised by ``MEAN`` and ``STD``.
    """
    groups = max(1, len(pictures) // CROP_GROUP)
    parts = np.array_split(np.arange(len(pictures)), groups)
    pixels = torch.cat([_crops([pictures[i] for i in part], rng, size) for part in parts])
    return _normalised((pixels.float() * jitter(len(pictures), rng)).clamp_(0, 255))


def _crops(pictures: Sequence[NDArray[np.uint8]], rng: Generator, size: int) -> Tensor:
    side = len(pictures[0])
    crop = int(rng.integers(round(side * SMALLEST_CROP), side + 1))
    corners = rng.integers(0, side - crop + 1, (len(pictures), 2))
    cut = [p[y : y + crop, x : x + crop] for p, (y, x) in zip(pictures, corners, strict=True)]
    return _resized(torch.from_numpy(np.stack(cut)), size)


def whole(pictures: NDArray[np.uint8], size: int) -> Tensor:
    """Whole pictures (B, S, S, 3) as the model sees them in use: float32 (B, 3, size, size)."""
    return _normalised(_resized(torch.from_numpy(pictures), size).float())


def _resized(pixels: Tensor, size: int) -> Tensor:
    return functional.interpolate(
        pixels.permute(0, 3, 1, 2), size=size, mode="bicubic", antialias=True
    )


def _normalised(pixels: Tensor) -> Tensor:
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    return (pixels / 255 - mean) / std


def jitter(batch: int, rng: Generator) -> Tensor:
    """Brightness 0.85 to 1.15 a picture, times 0.95 to 1.05 a channel; float32 (B, 3, 1, 1)."""
    gain = rng.uniform(0.85, 1.15, (batch, 1)) * rng.uniform(0.95, 1.05, (batch, 3))
    return torch.from_numpy(gain.astype(np.float32)).view(batch, 3, 1, 1)
