"""What every layer of a model holds of an image or a text, read by hooks while it encodes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from workbench.errors import ModelError
from workbench.gpu.encoder import Encoder
from workbench.gpu.limoe.mixture import Mixture
from workbench.gpu.limoe.model import Block, Limoe
from workbench.gpu.limoe.routing import Routing
from workbench.types import Floats

__all__ = ["Captured", "States"]


@dataclass(frozen=True)
class Captured:
    """A batch of one modality.

    Args:
        vectors: float32 (b, D), unit rows, as ``Encoder`` gives them.
        states: float32 (b, d) a layer: the mean over the input's tokens, padding left out.
        units: number of the block -> float32 (b, U), at least 0: how strongly each hidden unit of
            its MLP fires, the mean over tokens of its activation's positive part. Those of a
            mixture stand expert by expert; a token that does not reach the expert counts as 0, so
            that silence and being out of reach weigh alike. Empty for towers whose weights are
            not shared.
    """

    vectors: Floats
    states: tuple[Floats, ...]
    units: dict[int, Floats]


class States:
    """Reads the layers of one loaded model.

    ``input`` is what enters the first block, the others are what leaves each block. Hooks hold
    only within a call, look only at the thread that makes it, and change nothing.

    Args:
        encoder: any open_clip model, or a LIMoE.

    Raises:
        ModelError: a tower without a list of blocks.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        model = encoder.model
        self.shared = isinstance(model, Limoe)
        """Both modalities pass the same weights."""
        if self.shared:
            self._image = self._text = list(model.blocks)
        else:
            self._image = _blocks(model.visual, "image")
            self._text = _blocks(getattr(model, "text", None) or model.transformer, "text")
        self.image_layers = _names(len(self._image))
        """Names of the layers of the image tower, A of them."""
        self.text_layers = _names(len(self._text))
        """Names of the layers of the text tower, B of them."""

    @property
    def experts(self) -> dict[int, int]:
        """Number of the block -> experts that its hidden units belong to, 1 for a dense one."""
        if not self.shared:
            return {}
        kinds = {number: block.mlp for number, block in enumerate(self._image)}
        return {n: m.router.experts if isinstance(m, Mixture) else 1 for n, m in kinds.items()}

    def images(self, batch: NDArray[np.uint8]) -> Captured:
        """Layers of preprocessed images, uint8 (b, H, W, 3)."""
        with self._reading(self._image, len(batch), None) as found:
            vectors = self.encoder.encode_images(batch)
        return found.captured(vectors)

    def texts(self, texts: Sequence[str]) -> Captured:
        """Layers of texts."""
        mask = None if self.shared else _mask(self.encoder, texts)
        with self._reading(self._text, len(texts), mask) as found:
            vectors = self.encoder.encode_texts(texts)
        return found.captured(vectors)

    @contextmanager
    def _reading(self, blocks: list[Any], rows: int, mask: Tensor | None) -> Iterator[_Reading]:
        found = _Reading(rows, mask)
        hooks = []
        try:
            for number, block in enumerate(blocks):
                if isinstance(block, Block):
                    hooks += _watch_shared(block, number, found)
                else:
                    hooks += _watch_tower(block, number, found)
            yield found
        finally:
            for hook in hooks:
                hook.remove()


class _Reading:
    """What was read in one call.

    Args:
        rows: inputs in the batch.
        mask: bool (b, S), True for tokens; None where every place is one, or until a block tells.
    """

    def __init__(self, rows: int, mask: Tensor | None) -> None:
        self.rows, self.mask = rows, mask
        self._thread = threading.get_ident()
        self._states: list[Tensor] = []
        self._units: dict[int, Tensor] = {}

    @property
    def mine(self) -> bool:
        """False in the thread of somebody else's query, which passes the same hooks."""
        return threading.get_ident() == self._thread

    def state(self, tokens: Any) -> None:
        self._states.append(_pooled(_batch_first(tokens, self.rows), self.mask))

    def unit(self, number: int, values: Tensor) -> None:
        self._units[number] = values

    def captured(self, vectors: Floats) -> Captured:
        units = {number: _host(self._units[number]) for number in sorted(self._units)}
        return Captured(vectors, tuple(map(_host, self._states)), units)


def _host(values: Tensor) -> Floats:
    found: Floats = values.float().cpu().numpy()
    return found


def _watch_tower(block: nn.Module, number: int, found: _Reading) -> list[Any]:
    def before(_module: nn.Module, inputs: Any) -> None:
        if found.mine:
            found.state(inputs[0])

    def after(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if found.mine:
            found.state(output[0] if isinstance(output, tuple) else output)

    first = [block.register_forward_pre_hook(before)] if number == 0 else []
    return [*first, block.register_forward_hook(after)]


def _watch_shared(block: Block, number: int, found: _Reading) -> list[Any]:
    def before(_module: nn.Module, inputs: Any) -> None:
        if found.mine:
            found.mask = inputs[0][0].mask
            if number == 0:
                found.state(inputs[0][0].tokens)

    def after(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if found.mine:
            found.state(output[0][0].tokens)

    def mixed(module: nn.Module, inputs: Any, output: Any) -> None:
        if found.mine:
            assert isinstance(module, Mixture)
            found.unit(number, _expert_units(module, inputs[0], output[1], found))

    def dense(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        if found.mine:
            found.unit(number, _pooled(_firing(output), found.mask))

    mlp: Any = block.mlp
    inner = (mlp, mixed) if isinstance(mlp, Mixture) else (mlp.up, dense)
    watched: tuple[tuple[Any, Callable[..., None]], ...] = ((block, after), inner)
    hooks = [module.register_forward_hook(hook) for module, hook in watched]
    return [block.register_forward_pre_hook(before), *hooks]


def _firing(inner: Tensor) -> Tensor:
    """The positive part of GELU, which is positive exactly where its input is."""
    return functional.gelu(inner.clamp(min=0))


def _expert_units(mixture: Mixture, tokens: Tensor, routing: Routing, found: _Reading) -> Tensor:
    """Mean firing (b, E * h) over the tokens of each input, computed once more."""
    if found.mask is None:
        counts = tokens.new_full((found.rows,), len(tokens) // found.rows, dtype=torch.long)
    else:
        counts = found.mask.sum(dim=1)
    input_of = torch.repeat_interleave(counts)
    hidden = mixture.up.shape[1]
    sums = tokens.new_zeros(found.rows, mixture.router.experts, hidden)
    for expert in range(mixture.router.experts):
        here = ((routing.experts == expert) & routing.kept).any(dim=1).nonzero()[:, 0]
        inner = functional.linear(tokens[here], mixture.up[expert], mixture.up_bias[expert])
        sums[:, expert].index_add_(0, input_of[here], _firing(inner).to(sums.dtype))
    return sums.flatten(1) / counts.clamp(min=1).unsqueeze(1)


def _batch_first(tokens: Tensor, rows: int) -> Tensor:
    """Tokens as (b, S, d): some towers put the places first, convolutional ones have planes."""
    if tokens.ndim == 4:
        return tokens.flatten(2).transpose(1, 2)
    if tokens.ndim == 3 and tokens.shape[0] != rows:
        return tokens.transpose(0, 1)
    return tokens


def _pooled(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """The mean over places, (b, d); over those of the mask where there is one."""
    tokens = tokens.float()
    if mask is None:
        return tokens.mean(dim=1)
    if tokens.shape[1] > mask.shape[1]:  # CoCa appends a token to each text
        mask = functional.pad(mask, (0, tokens.shape[1] - mask.shape[1]), value=True)
    weight = mask.to(tokens.dtype).unsqueeze(-1)
    return (tokens * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


def _mask(encoder: Encoder, texts: Sequence[str]) -> Tensor:
    """Which places of an open_clip text tower's input are no padding, bool (b, S).

    CLIP's tokenizer pads with 0, which also is a word, so there the end mark, its largest number,
    decides.
    """
    tokens = encoder.tokenizer(list(texts))
    tower = getattr(encoder.model, "text", None) or encoder.model
    pooling = getattr(tower, "text_pool_type", getattr(tower, "pool_type", ""))
    if pooling == "argmax":
        ends = tokens.argmax(dim=1, keepdim=True)
        mask = torch.arange(tokens.shape[1]) <= ends
    else:
        mask = tokens != getattr(tower, "pad_id", 0)
        mask[~mask.any(dim=1)] = True
    return mask.to(encoder.device.torch)


def _names(blocks: int) -> tuple[str, ...]:
    return ("input", *(f"block {number}" for number in range(blocks)))


def _blocks(tower: nn.Module, name: str) -> list[Any]:
    """The outermost list of equal blocks of a tower; the stages of a ResNet.

    Raises:
        ModelError: it has none.
    """
    stages = [getattr(tower, f"layer{number}", None) for number in range(1, 5)]
    if all(isinstance(stage, nn.Sequential) for stage in stages):
        return stages
    lists = [
        (path.count("."), list(module.children()))
        for path, module in tower.named_modules()
        if isinstance(module, nn.ModuleList | nn.Sequential)
    ]
    for _, children in sorted(lists, key=lambda each: each[0]):
        kinds = {type(child) for child in children}
        if len(kinds) == 1 and all(any(child.children()) for child in children):
            return children
    raise ModelError(
        f"the {name} tower of this model cannot be read layer by layer",
        expected="a list of equal blocks",
        got=type(tower).__name__,
    )
