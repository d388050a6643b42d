"""Images and captions -> batches, each fully determined by the seed and the step."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from sample_data.train.architecture import IMAGE_SIZE, MEAN, STD
from workbench.errors import InputError

SMALLEST_CROP = 0.75
CROP_GROUP = 32


@dataclass(frozen=True)
class Pairs:
    """Pretraining pairs: images uint8 (N, S, S, 3), memory-mapped, and tokens int64 (N, T)."""

    images: NDArray[np.uint8]
    tokens: Tensor

    def __len__(self) -> int:
        return len(self.images)


def open_images(folder: Path, captions: int) -> NDArray[np.uint8]:
    """Map `folder`/images.npy, one square picture a caption, in the order of the captions.

    Raises:
        InputError: the file is missing, or does not fit the captions.
    """
    path = folder / "images.npy"
    again = "Render the pretraining images again with python -m sample_data.build pretrain-images."
    if not path.is_file():
        raise InputError(f"{path} is missing", expected="the rendered images", do=again)
    images = np.load(path, mmap_mode="r")
    fits = images.ndim == 4 and images.dtype == np.uint8 and images.shape[3] == 3
    if not fits or images.shape[1] != images.shape[2] or len(images) != captions:
        raise InputError(
            f"{path} does not fit the captions",
            expected=f"uint8 ({captions}, S, S, 3)",
            got=f"{images.dtype} {images.shape}",
            do=again,
        )
    return images


def order(seed: int, epoch: int, rows: int) -> NDArray[np.int64]:
    """The order in which an epoch visits the pairs: a permutation of `rows`."""
    return default_rng((seed, 1, epoch)).permutation(rows)


def rows_of(seed: int, step: int, batch: int, rows: int) -> NDArray[np.int64]:
    """Rows of the pairs in batch number `step`; epochs follow each other without a gap."""
    at = np.arange(step * batch, (step + 1) * batch)
    epochs = {int(e): order(seed, int(e), rows) for e in np.unique(at // rows)}
    return np.array([epochs[int(i) // rows][int(i) % rows] for i in at])


def _crops(images: NDArray[np.uint8], rows: NDArray[np.int64], rng: Generator) -> Tensor:
    """Random square crops of one common size, resized to the model's input; uint8 (B, 3, H, W)."""
    side = images.shape[1]
    size = int(rng.integers(round(side * SMALLEST_CROP), side + 1))
    corners = rng.integers(0, side - size + 1, (len(rows), 2))
    cut = [images[r, y : y + size, x : x + size] for r, (y, x) in zip(rows, corners, strict=True)]
    pixels = torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2)
    return F.interpolate(pixels, size=IMAGE_SIZE, mode="bicubic", antialias=True)


def jitter(batch: int, rng: Generator) -> Tensor:
    """Brightness 0.85 to 1.15 an image, times 0.95 to 1.05 a channel; float32 (B, 3, 1, 1)."""
    gain = rng.uniform(0.85, 1.15, (batch, 1)) * rng.uniform(0.95, 1.05, (batch, 3))
    return torch.from_numpy(gain.astype(np.float32)).view(batch, 3, 1, 1)


def batch_at(pairs: Pairs, step: int, *, batch: int, seed: int) -> tuple[Tensor, Tensor]:
    """Batch number `step`: augmented images float32 (B, 3, 64, 64) and tokens int64 (B, T).

    The same arguments give the same tensors, so a resumed run sees what an unbroken one sees.
    Crops share their size within groups of 32, which lets one resize serve the group.
    """
    rng = default_rng((seed, 2, step))
    rows = rows_of(seed, step, batch, len(pairs))
    groups = np.array_split(rows, max(1, batch // CROP_GROUP))
    pixels = torch.cat([_crops(pairs.images, group, rng) for group in groups])
    bright = (pixels.float() * jitter(batch, rng)).clamp_(0, 255)
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    return (bright / 255 - mean) / std, pairs.tokens[torch.from_numpy(rows)]
