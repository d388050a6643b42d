"""The shape of a LIMoE: its sizes, and which of its blocks are mixtures of experts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from workbench.errors import InputError

__all__ = ["CONFIGS", "LimoeConfig", "every", "last"]


def every(layers: int, stride: int) -> tuple[int, ...]:
    """Every ``stride``-th block, the first being block ``stride - 1``; none for stride 0."""
    return tuple(range(stride - 1, layers, stride)) if stride else ()


def last(layers: int, count: int) -> tuple[int, ...]:
    """The last ``count`` blocks of odd number, as V-MoE's "last n" places its experts."""
    return tuple(range(1, layers, 2))[-count:]


@dataclass(frozen=True)
class LimoeConfig:
    """Everything that decides a LIMoE's tensors and what it computes.

    Args:
        image_size: pixels a side; a multiple of ``patch_size``.
        patch_size: pixels a side of a patch, one token each.
        context_length: places of a text with start and end mark; the start mark is no token.
        vocab_size: of the tokenizer.
        width: of the tokens (d).
        layers: transformer blocks.
        heads: of attention; divides ``width``.
        hidden: width within an MLP, dense or expert.
        embed_dim: of the space that images and texts share (D).
        moe_layers: blocks whose MLP is a mixture, rising; empty for the dense twin.
        experts: of a mixture (E).
        top_k: experts a token (K).
        capacity_factor: of training: an expert takes ``ceil(factor * tokens * K / E)`` tokens of a
            group. When encoding, no token is dropped.
        priority: batch priority routing: tokens the router is surest of are served first; otherwise
            those that stand first in the group.
        modality_bias: add one learned vector a modality to its tokens.

    Raises:
        InputError: sizes that do not fit each other.
    """

    image_size: int = 64
    patch_size: int = 8
    context_length: int = 20
    vocab_size: int = 2014
    width: int = 128
    layers: int = 4
    heads: int = 4
    hidden: int = 512
    embed_dim: int = 128
    moe_layers: tuple[int, ...] = (1, 3)
    experts: int = 8
    top_k: int = 1
    capacity_factor: float = 1.25
    priority: bool = True
    modality_bias: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "moe_layers", tuple(self.moe_layers))
        self._check(
            self.image_size % self.patch_size == 0, "image_size", f"a multiple of {self.patch_size}"
        )
        self._check(self.width % self.heads == 0, "width", f"a multiple of {self.heads} heads")
        self._check(1 <= self.top_k <= self.experts, "top_k", f"1 to {self.experts} experts")
        self._check(self.capacity_factor > 0, "capacity_factor", "more than 0")
        rising = list(self.moe_layers) == sorted(set(self.moe_layers))
        inside = all(0 <= layer < self.layers for layer in self.moe_layers)
        self._check(rising and inside, "moe_layers", f"rising numbers below {self.layers}")

    def _check(self, right: bool, name: str, expected: str) -> None:
        if not right:
            got = str(getattr(self, name))
            raise InputError(f"{name} of a LIMoE", expected=expected, got=got)

    @property
    def grid(self) -> int:
        """Patches a side."""
        return self.image_size // self.patch_size

    @property
    def patches(self) -> int:
        """Tokens of an image."""
        return self.grid**2

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self) | {"moe_layers": list(self.moe_layers)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> LimoeConfig:
        """From plain values.

        Raises:
            InputError: an unknown name, or sizes that do not fit.
        """
        known = [each.name for each in fields(cls)]
        for name in values:
            if name not in known:
                raise InputError(
                    "configuration of a LIMoE", expected=f"names among {', '.join(known)}", got=name
                )
        return cls(**values)


def _paper(image: tuple[int, int], tower: tuple[int, int, int, int], **moe: Any) -> LimoeConfig:
    """A configuration of the paper: (pixels, patch), (width, layers, hidden, heads)."""
    width, layers, hidden, heads = tower
    return LimoeConfig(
        image_size=image[0],
        patch_size=image[1],
        context_length=16,
        vocab_size=32_000,
        width=width,
        layers=layers,
        heads=heads,
        hidden=hidden,
        embed_dim=width,
        capacity_factor=1.05,
        **moe,
    )


CONFIGS: dict[str, LimoeConfig] = {
    "limoe-tiny": LimoeConfig(),
    "limoe-S-32": _paper((224, 32), (512, 8, 2048, 8), moe_layers=every(8, 2), experts=8),
    "limoe-B-32": _paper((224, 32), (768, 12, 3072, 12), moe_layers=every(12, 2), experts=8),
    "limoe-B-16": _paper((224, 16), (768, 12, 3072, 12), moe_layers=every(12, 2), experts=8),
    "limoe-L-16": _paper((224, 16), (1024, 24, 4096, 16), moe_layers=every(24, 2), experts=8),
    "limoe-H-14": _paper((224, 14), (1280, 32, 5120, 16), moe_layers=last(32, 12), experts=32),
}
"""By name. Widths and depths are V-MoE's. Of the mixtures only those of H/14 follow from published
figures (5.6 billion parameters, 675 million a token: 12 layers of 32 experts, one a token); where
and how many the smaller ones have is not known, and every second block with 8 is V-MoE's habit."""
