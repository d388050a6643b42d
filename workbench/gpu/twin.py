"""A second model of the same weights, whose experts may be switched off while the first serves."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from workbench.errors import ModelError
from workbench.gpu.encoder import Encoder
from workbench.gpu.limoe.ablate import Mode, switched_off
from workbench.gpu.limoe.model import Limoe, Routed, Stream
from workbench.types import Floats

__all__ = ["Encoded", "Twin"]


@dataclass(frozen=True)
class Encoded:
    """A batch of one modality.

    Args:
        vectors: float32 (b, D), unit rows, as ``Encoder`` gives them.
        choices: float32 (b, L, E), tokens of each input that chose an expert, divided by K.
    """

    vectors: Floats
    choices: Floats


class Twin:
    """Encodes as an encoder does, apart from its experts that are off.

    People's queries go on through the encoder's own model, which is never changed. Weights are
    shared, so the twin takes no memory.

    Args:
        encoder: of a mixture of experts.

    Raises:
        ModelError: the model has no experts.
    """

    def __init__(self, encoder: Encoder) -> None:
        model = encoder.model
        if not isinstance(model, Limoe) or not model.mixtures():
            raise ModelError(
                f"model {encoder.info.name} has no experts to switch off",
                expected="a mixture of experts (LIMoE)",
                got=encoder.info.arch,
            )
        shared = {id(each): each for each in (*model.parameters(), *model.buffers())}
        self.encoder = encoder
        self.model: Limoe = copy.deepcopy(model, shared)
        self.layers = tuple(self.model.mixtures())
        """Numbers of the blocks with experts, L of them."""
        self.experts = self.model.config.experts
        """E."""

    @contextmanager
    def without(self, experts: Mapping[int, Collection[int]], mode: Mode) -> Iterator[None]:
        """Encode without some experts (block -> experts) until the block ends.

        Several threads may encode meanwhile, all without these experts.

        Raises:
            ModelError, InputError: as ``switched_off``.
        """
        with switched_off(self.model, experts, mode):
            yield

    def images(self, batch: NDArray[np.uint8]) -> Encoded:
        """Encode preprocessed images, uint8 (b, H, W, 3)."""
        encoder = self.encoder
        with torch.inference_mode(), encoder.casting():
            pixels = encoder.preprocess.normalise(encoder.sent(torch.from_numpy(batch)))
            return self._encoded(self.model.image_stream(pixels))

    def texts(self, texts: Sequence[str]) -> Encoded:
        """Encode at least one text."""
        encoder = self.encoder
        with torch.inference_mode(), encoder.casting():
            numbers = encoder.sent(encoder.tokenizer(list(texts)))
            return self._encoded(self.model.text_stream(numbers))

    def _encoded(self, stream: Stream) -> Encoded:
        streams, routed = self.model.through([stream], None)
        vectors = functional.normalize(self.model.vectors(streams[0]).float(), dim=-1)
        choices = torch.stack([self._choices(each, len(vectors)) for each in routed], dim=1)
        return Encoded(self.encoder.finish(vectors), choices.cpu().numpy())

    def _choices(self, routed: Routed, rows: int) -> Tensor:
        experts = routed.routing.experts
        found = torch.zeros(rows, self.experts, device=experts.device)
        places = (routed.sequence.unsqueeze(1).expand_as(experts), experts)
        share = torch.full(experts.shape, 1 / experts.shape[1], device=experts.device)
        return found.index_put_(places, share, accumulate=True)
