"""A loaded model: images and texts in, unit vectors out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from workbench.errors import ModelError
from workbench.gpu.device import PRECISIONS, Device
from workbench.gpu.gate import Gate
from workbench.gpu.preprocess import Preprocess
from workbench.types import Floats, ModelInfo

__all__ = ["Encoder"]


class Encoder:
    """One model on one device. Safe to call from several threads; weights are only read.

    Args:
        info: what was registered.
        model: an open_clip model, in float32 and evaluation mode, on the device.
        tokenizer: open_clip's, texts -> int64 (n, context length).
        preprocess: the model's.
        device: where it is.
        precision: of computing; weights are cast as they are used (autocast).
        gate: where jobs let queries pass.
    """

    def __init__(
        self,
        info: ModelInfo,
        model: Any,
        tokenizer: Callable[[list[str]], Tensor],
        preprocess: Preprocess,
        *,
        device: Device,
        precision: str,
        gate: Gate,
    ) -> None:
        self.info, self.model, self.tokenizer = info, model, tokenizer
        self.preprocess = preprocess.to(device.torch)
        self.device, self.precision, self.gate = device, precision, gate
        stream: Any = torch.cuda.Stream
        self._lane = stream(device.torch, -1) if device.kind == "cuda" else None

    def encode_images(self, batch: NDArray[np.uint8]) -> Floats:
        """Vectors of preprocessed images.

        Args:
            batch: uint8 (b, H, W, 3) from ``preprocess``.

        Returns:
            float32 (b, D), unit rows.

        Raises:
            ModelError: the model gives values that are not finite.
            torch.OutOfMemoryError: the batch is too large for the device.
        """
        return self.finish(self.start_images(batch))

    def start_images(self, batch: NDArray[np.uint8]) -> Tensor:
        """The same, not yet waited for: on a GPU the next batch can be prepared meanwhile."""
        with torch.inference_mode(), self.casting():
            pixels = self.preprocess.normalise(self.sent(torch.from_numpy(batch)))
            return self._unit(self.model.encode_image(pixels))

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """Vectors of texts: float32 (n, D), unit rows; what exceeds the context is cut off.

        Raises:
            ModelError, torch.OutOfMemoryError: as for images.
        """
        if not texts:
            return np.empty((0, self.info.dim), dtype=np.float32)
        return self.finish(self.start_texts(texts))

    def start_texts(self, texts: Sequence[str]) -> Tensor:
        """The same, not yet waited for."""
        with torch.inference_mode(), self.casting():
            return self._unit(self.model.encode_text(self.sent(self.tokenizer(list(texts)))))

    def finish(self, vectors: Tensor) -> Floats:
        """Wait for vectors and bring them to the host."""
        found: Floats = vectors.cpu().numpy()
        if not np.isfinite(found).all():
            raise ModelError(
                f"model {self.info.name} gives values that are not finite in {self.precision}",
                do="Register it again with --precision fp32.",
            )
        return found

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text with begin and end marks, before anything is cut off."""
        inner = getattr(self.tokenizer, "tokenizer", None)
        if inner is not None:  # a Hugging Face tokenizer
            return [len(inner(text)["input_ids"]) for text in texts]
        encode: Callable[[str], list[int]] = self.tokenizer.encode  # type: ignore[attr-defined]
        return [len(encode(text)) + 2 for text in texts]

    @contextmanager
    def query(self) -> Iterator[None]:
        """The block of a person's query: jobs on the same device let it pass."""
        if self._lane is None:
            with self.gate.interactive():
                yield
        else:
            with torch.cuda.stream(self._lane):
                yield

    def sent(self, batch: Tensor) -> Tensor:
        """A batch on the device, not waited for."""
        if self.device.kind != "cuda":
            return batch.to(self.device.torch)
        return batch.pin_memory().to(self.device.torch, non_blocking=True)

    def casting(self) -> AbstractContextManager[Any]:
        """The block in which the model computes in its precision."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.kind, dtype=PRECISIONS[self.precision])

    @staticmethod
    def _unit(features: Any) -> Tensor:
        return functional.normalize(features.float(), dim=-1)
