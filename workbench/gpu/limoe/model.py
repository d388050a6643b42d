"""The one tower: patches and words through the same blocks, into one space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.gpu.limoe.config import LimoeConfig
from workbench.gpu.limoe.mixture import Mixture
from workbench.gpu.limoe.routing import Router, Routing

__all__ = ["IMAGE", "TEXT", "Limoe", "Routed", "Stream", "word_mask"]

IMAGE, TEXT = 0, 1
"""Modalities, as they are numbered everywhere."""


@dataclass(frozen=True)
class Stream:
    """The sequences of one modality on their way.

    Args:
        modality: ``IMAGE`` or ``TEXT``.
        tokens: (B, S, d).
        mask: bool (B, S), True for tokens; None where every place is one.
    """

    modality: int
    tokens: Tensor
    mask: Tensor | None


@dataclass(frozen=True)
class Routed:
    """What a mixture decided, and about which tokens.

    Args:
        layer: number of the block.
        routing: about the T tokens of the group: each stream's in turn, its sequences in order,
            without padding.
        modality: int64 (T,).
        sequence: int64 (T,), row in the batch.
        position: int64 (T,), place in the sequence.
    """

    layer: int
    routing: Routing
    modality: Tensor
    sequence: Tensor
    position: Tensor


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        rows, places, width = tokens.shape
        split = self.inward(tokens).view(rows, places, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        allowed = None if mask is None else mask[:, None, None, :]
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        mixed: Tensor = self.outward(found.transpose(1, 2).reshape(rows, places, width))
        return mixed


class _Mlp(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)
        nn.init.zeros_(self.up.bias)
        nn.init.zeros_(self.down.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        found: Tensor = self.down(functional.gelu(self.up(tokens)))
        return found


class Block(nn.Module):
    """A pre-norm transformer block whose MLP is dense or a mixture; shared by both modalities."""

    def __init__(self, config: LimoeConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.before_attention = nn.LayerNorm(config.width)
        self.attention = _Attention(config.width, config.heads)
        self.before_mlp = nn.LayerNorm(config.width)
        self.mlp: _Mlp | Mixture
        if layer in config.moe_layers:
            router = Router(config.width, config.experts, config.top_k, priority=config.priority)
            self.mlp = Mixture(config.width, config.hidden, router)
        else:
            self.mlp = _Mlp(config.width, config.hidden)

    def forward(
        self, streams: Sequence[Stream], factor: float | None
    ) -> tuple[list[Stream], Routed | None]:
        """Streams onwards; attention stays within a sequence, experts are shared by all streams."""
        after = [
            Stream(
                each.modality,
                each.tokens + self.attention(self.before_attention(each.tokens), each.mask),
                each.mask,
            )
            for each in streams
        ]
        if isinstance(self.mlp, Mixture):
            return self._mixed(self.mlp, after, factor)
        return [
            Stream(s.modality, s.tokens + self.mlp(self.before_mlp(s.tokens)), s.mask)
            for s in after
        ], None

    def _mixed(
        self, mixture: Mixture, streams: list[Stream], factor: float | None
    ) -> tuple[list[Stream], Routed]:
        groups, found, modality = [], [], []
        for each in streams:
            mask = each.mask
            if mask is None:
                mask = torch.ones(
                    each.tokens.shape[:2], dtype=torch.bool, device=each.tokens.device
                )
            rows, places = mask.nonzero(as_tuple=True)
            found.append((rows, places))
            modality.append(torch.full_like(rows, each.modality))
            groups.append(self.before_mlp(each.tokens[rows, places]))
        added, routing = mixture(torch.cat(groups), factor)
        parts = torch.split(added, [len(group) for group in groups])
        after = [
            Stream(
                each.modality,
                each.tokens.index_put(places, part.to(each.tokens.dtype), True),
                each.mask,
            )
            for each, places, part in zip(streams, found, parts, strict=True)
        ]
        sequence, position = (torch.cat(side) for side in zip(*found, strict=True))
        return after, Routed(self.layer, routing, torch.cat(modality), sequence, position)


class Limoe(nn.Module):
    """A contrastive model of one shared tower (Mustafa et al. 2022); dense without ``moe_layers``.

    Has what an encoder needs of an open_clip model: ``encode_image``, ``encode_text``,
    ``logit_scale``.
    """

    def __init__(self, config: LimoeConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.patch_embedding = nn.Linear(3 * config.patch_size**2, width)
        self.patch_position = nn.Parameter(torch.empty(config.patches, width).normal_(std=0.02))
        self.word_embedding = nn.Embedding(config.vocab_size, width)
        nn.init.normal_(self.word_embedding.weight, std=0.02)
        self.word_position = nn.Parameter(
            torch.empty(config.context_length - 1, width).normal_(std=0.01)
        )
        self.modality_bias = (
            nn.Parameter(torch.empty(2, width).normal_(std=0.5)) if config.modality_bias else None
        )
        self.blocks = nn.ModuleList([Block(config, layer) for layer in range(config.layers)])
        self.after = nn.LayerNorm(width)
        self.image_head = nn.Linear(width, config.embed_dim, bias=False)
        self.text_head = nn.Linear(width, config.embed_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.logit_bias: Tensor | None = None

    def encode_image(self, pixels: Tensor, normalize: bool = False) -> Tensor:
        """Vectors of images (B, 3, H, W) -> (B, D); no token is dropped."""
        return self._encoded(self.image_stream(pixels), normalize)

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """Vectors of texts, int64 (B, context length) -> (B, D); no token is dropped."""
        return self._encoded(self.text_stream(tokens), normalize)

    def _encoded(self, stream: Stream, normalize: bool) -> Tensor:
        streams, _ = self.through([stream], None)
        vectors = self.vectors(streams[0])
        return functional.normalize(vectors, dim=-1) if normalize else vectors

    def forward(
        self,
        pixels: Tensor,
        tokens: Tensor,
        factor: float | None = None,
        *,
        patches: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, list[Routed]]:
        """Pairs through the tower as one group, in which both modalities compete for room.

        Args:
            pixels: (B, 3, H, W).
            tokens: int64 (B, context length).
            factor: capacity factor; None drops nothing.
            patches: int64 (B, n), the patches of each image to see; all when None.

        Returns:
            Unit vectors of images and texts, (B, D) each, and what each mixture decided.
        """
        seen = self.image_stream(pixels)
        if patches is not None:
            index = patches.unsqueeze(-1).expand(-1, -1, self.config.width)
            seen = Stream(IMAGE, seen.tokens.gather(1, index), None)
        streams = [seen, self.text_stream(tokens)]
        streams, routed = self.through(streams, factor)
        image, text = (functional.normalize(self.vectors(each), dim=-1) for each in streams)
        return image, text, routed

    def image_stream(self, pixels: Tensor) -> Stream:
        """Patches with their positions; row by row from the upper left."""
        size, grid = self.config.patch_size, self.config.grid
        rows = len(pixels)
        cut = pixels.reshape(rows, 3, grid, size, grid, size).permute(0, 2, 4, 1, 3, 5)
        tokens = self.patch_embedding(cut.reshape(rows, grid * grid, 3 * size * size))
        return Stream(IMAGE, self._marked(tokens + self.patch_position, IMAGE), None)

    def text_stream(self, tokens: Tensor) -> Stream:
        """Words with their positions; places after the end mark are padding.

        The start mark, the same in every text, is left out: it would only dilute what is said of
        words.
        """
        tokens = tokens[:, 1:]
        places = self.word_embedding(tokens) + self.word_position[: tokens.shape[1]]
        return Stream(TEXT, self._marked(places, TEXT), word_mask(tokens))

    def _marked(self, tokens: Tensor, modality: int) -> Tensor:
        return tokens if self.modality_bias is None else tokens + self.modality_bias[modality]

    def through(
        self, streams: list[Stream], factor: float | None
    ) -> tuple[list[Stream], list[Routed]]:
        """Streams through all blocks, and what each mixture decided."""
        routed = []
        for block in self.blocks:
            streams, decided = block(streams, factor)
            if decided is not None:
                routed.append(decided)
        return streams, routed

    def vectors(self, stream: Stream) -> Tensor:
        """The mean of each sequence's final tokens, in the shared space: (B, D), not normalised."""
        tokens = self.after(stream.tokens)
        if stream.mask is None:
            pooled = tokens.mean(dim=1)
        else:
            weight = stream.mask.to(tokens.dtype).unsqueeze(-1)
            pooled = (tokens * weight).sum(dim=1) / weight.sum(dim=1)
        head = self.image_head if stream.modality == IMAGE else self.text_head
        vectors: Tensor = head(pooled)
        return vectors

    def mixtures(self) -> dict[int, Mixture]:
        """The mixtures by the number of their block."""
        found = enumerate(block.mlp for block in self.blocks)
        return {layer: mlp for layer, mlp in found if isinstance(mlp, Mixture)}


def word_mask(tokens: Tensor) -> Tensor:
    """Where texts have tokens: up to the end mark, the largest number there is; bool (B, S)."""
    ends = tokens.argmax(dim=1, keepdim=True)
    return torch.arange(tokens.shape[1], device=tokens.device) <= ends
