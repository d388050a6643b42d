"""Images and captions -> batches, each fully determined by the seed and the step."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import default_rng
from numpy.typing import NDArray
from torch import Tensor

from sample_data.train.architecture import IMAGE_SIZE
from workbench.errors import InputError
from workbench.gpu.limoe.batches import crops, rows_of


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


def batch_at(pairs: Pairs, step: int, *, batch: int, seed: int) -> tuple[Tensor, Tensor]:
    """Batch number `step`: augmented images float32 (B, 3, 64, 64) and tokens int64 (B, T).

    The same arguments give the same tensors, so a resumed run sees what an unbroken one sees.
    """
    rng = default_rng((seed, 2, step))
    rows = rows_of(seed, step, batch, len(pairs))
    pictures = [pairs.images[row] for row in rows]
    return crops(pictures, rng, IMAGE_SIZE), pairs.tokens[torch.from_numpy(rows)]
