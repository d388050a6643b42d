"""What decides the result of a training: model, losses, length, chance."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from workbench.gpu.limoe.config import LimoeConfig, every
from workbench.gpu.limoe.weights import Weights
from workbench.params import param

__all__ = ["LOSSES", "Recipe"]

LOSSES = ("limoe", "classic", "none", "local", "no-local-text", "no-global-text", "dense")
"""Sets of router losses; ``dense`` trains the twin without mixtures."""


@dataclass(frozen=True)
class Recipe:
    """One training. The same recipe on the same pairs gives the same numbers on a CPU."""

    losses: str = param(
        "limoe",
        choices=LOSSES,
        help="Losses of the routers: the paper's, classic balancing alone (importance, load, z), "
        "none, local entropy alone, the paper's without one of the two for text, or a dense model "
        "without routers.",
    )
    soft_text: float = param(2.0, low=1, help="Experts that text shall use at least.")
    soft_image: float = param(6.0, low=1, help="Experts that images shall use at least.")
    modality_bias: bool = param(
        False, help="Add one learned vector a modality: routing is then apart from the start."
    )
    experts: int = param(8, low=1, high=64, help="Experts of a mixture.")
    top_k: int = param(1, low=1, high=8, help="Experts a token passes.")
    stride: int = param(2, low=1, high=8, help="Every so many-th block is a mixture.")
    capacity_factor: float = param(
        1.25, low=0.1, high=16, help="Room of an expert, in fair shares of a batch's tokens."
    )
    priority: bool = param(True, help="Serve the tokens first that the router is surest of.")
    width: int = param(128, low=16, high=1024, help="Width of the tokens.")
    layers: int = param(4, low=1, high=24, help="Transformer blocks.")
    heads: int = param(4, low=1, high=16, help="Heads of attention; a divisor of the width.")
    image_size: int = param(64, low=16, high=224, help="Pixels a side of the images.")
    patch_size: int = param(8, low=4, high=32, help="Pixels a side of a patch.")
    patch_dropout: float = param(
        0.0,
        low=0,
        high=0.9,
        help="Share of an image's patches left out of a step, until the last 15% of the steps.",
    )
    steps: int = param(800, low=1, high=1_000_000, help="Batches to train on.")
    batch: int = param(128, low=2, high=8192, help="Pairs of a step; one group of the routers.")
    rate: float = param(1.0, low=0.01, high=100, help="Factor on all learning rates.")
    watch: int = param(50, low=1, help="Steps between two looks at the held-out pairs.")
    seed: int = param(0, low=0, help="Decides weights, order, crops and noise.")

    def config(self, vocab_size: int, context_length: int) -> LimoeConfig:
        """The model to train, for a tokenizer.

        Raises:
            InputError: sizes that do not fit each other.
        """
        return LimoeConfig(
            image_size=self.image_size,
            patch_size=self.patch_size,
            context_length=context_length,
            vocab_size=vocab_size,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
            hidden=4 * self.width,
            embed_dim=self.width,
            moe_layers=() if self.losses == "dense" else every(self.layers, self.stride),
            experts=self.experts,
            top_k=min(self.top_k, self.experts),
            capacity_factor=self.capacity_factor,
            priority=self.priority,
            modality_bias=self.modality_bias,
        )

    def weights(self) -> Weights:
        """How the losses of the routers count."""
        paper = Weights(soft_image=self.soft_image, soft_text=self.soft_text)
        soft = {"soft_image": self.soft_image, "soft_text": self.soft_text}
        found = {
            "limoe": paper,
            "classic": Weights.classic(),
            "none": Weights.none(),
            "dense": Weights.none(),
            "local": replace(Weights.none(), z=1e-3, local_image=0.2, local_text=0.2),
            "no-local-text": replace(paper, local_text=0.0),
            "no-global-text": replace(paper, global_text=0.0),
        }[self.losses]
        return replace(found, **soft)

    def factor(self, step: int) -> float:
        """Learning rate as a share of its peak: 50 steps of warm-up, then half a cosine to 1%."""
        cosine = 0.505 + 0.495 * math.cos(math.pi * step / self.steps)
        return self.rate * cosine * min(1.0, (step + 1) / 50)
