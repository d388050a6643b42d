"""From a decoded picture to the pixels of a model's input: open_clip's own geometry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from workbench.importers.image import decode

__all__ = ["Pixels", "Preprocess"]

Pixels = NDArray[np.uint8]
"""(H, W, 3), as wide and high as the model's input."""

_OVERSAMPLING = 2
"""A JPEG is decoded at a reduced size only while that is this many times the model's input."""


class Preprocess:
    """Resizing and cropping on bytes, normalising on the device.

    The pixels stay uint8 until they are on the device: a quarter of the memory and of the
    transfer, and the arithmetic is done once a batch. The result equals open_clip's transform.

    Args:
        config: open_clip's ``preprocess_cfg`` (size, mean, std, interpolation, resize_mode,
            fill_color).
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        from open_clip.transform import PreprocessCfg, image_transform_v2

        tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
        settings = PreprocessCfg(**tuples)
        # all steps but the last two, which make a float tensor and normalise it
        self._steps = image_transform_v2(settings, is_train=False).transforms[:-2]
        size = settings.size
        self.size: tuple[int, int] = (size, size) if isinstance(size, int) else size
        self.mean = torch.tensor(settings.mean, dtype=torch.float32).view(1, 3, 1, 1)
        self.std = torch.tensor(settings.std, dtype=torch.float32).view(1, 3, 1, 1)

    def __call__(self, image: Image.Image) -> Pixels:
        """The pixels of one RGB picture: uint8 (H, W, 3), H and W of the model's input."""
        for step in self._steps:
            image = step(image)
        return np.array(image)  # a copy, which torch may write to

    def decode(self, data: bytes, name: str = "image") -> Pixels:
        """The pixels of one image file; a large JPEG is decoded at a reduced size.

        Args:
            data: the whole file.
            name: what to call it in the error.

        Raises:
            BadImage: it cannot be decoded.
        """
        height, width = self.size
        hint = (width * _OVERSAMPLING, height * _OVERSAMPLING)
        return self(decode(data, size_hint=hint, name=name))

    def to(self, device: torch.device) -> Preprocess:
        """Move mean and deviation to where ``normalise`` will compute."""
        self.mean, self.std = self.mean.to(device), self.std.to(device)
        return self

    def normalise(self, batch: Tensor) -> Tensor:
        """uint8 (b, H, W, 3) -> float32 (b, 3, H, W), as the model was trained with."""
        planes = batch.permute(0, 3, 1, 2).float().div_(255.0)
        return planes.sub_(self.mean).div_(self.std)
