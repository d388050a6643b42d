"""Small mixtures to attach to: plain torch ones, and random ones of transformers' classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from workbench.experts.layout import Layout

B, S, IMAGE_TOKEN = 2, 9, 3
PATCHES = 4
WIDTH = 16


def ids(seed: int = 0) -> torch.Tensor:
    """Two sequences of words with four patches in the middle, the second one padded."""
    found = torch.randint(5, 30, (B, S), generator=torch.Generator().manual_seed(seed))
    found[:, 2 : 2 + PATCHES] = IMAGE_TOKEN
    found[1, -1] = 0
    return found


def mask() -> torch.Tensor:
    found = torch.ones(B, S, dtype=torch.long)
    found[1, -1] = 0
    return found


def layout(given: torch.Tensor | None = None, rows=(4, 7)) -> Layout:
    return Layout.of_ids(
        ids() if given is None else given,
        rows,
        image_token=IMAGE_TOKEN,
        attention_mask=mask(),
        word=lambda number: f"w{number}",
    )


class BiasedRouter(nn.Module):
    """Chooses by logits plus a bias that is no part of the gates; tells (gates, chosen, logits)."""

    def __init__(self, experts=6, top_k=2):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(experts, WIDTH))
        self.bias = nn.Parameter(torch.tensor([9.0, 0, 0, 0, 0, 4.0])[:experts])
        self.top_k = top_k

    def forward(self, states):
        logits = states.reshape(-1, WIDTH) @ self.weight.T
        chosen = (logits + self.bias).topk(self.top_k, dim=1).indices
        return logits.sigmoid().gather(1, chosen), chosen, logits


class Block(nn.Module):
    def __init__(self, router):
        super().__init__()
        self.router = router
        self.experts = nn.Parameter(torch.randn(6, WIDTH, WIDTH) / 4)

    def forward(self, states):
        gates, chosen, _ = self.router(states)
        flat = states.reshape(-1, WIDTH)
        mixed = torch.einsum("nd,nkde,nk->ne", flat, self.experts[chosen], gates)
        return states + mixed.reshape(states.shape)


class Toy(nn.Module):
    """Three blocks, the middle one dense."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, WIDTH)
        self.blocks = nn.ModuleList(
            [Block(BiasedRouter()), nn.Linear(WIDTH, WIDTH), Block(BiasedRouter())]
        )

    def forward(self, numbers):
        states = self.embed(numbers)
        for block in self.blocks:
            states = block(states)
        return states


def toy() -> Toy:
    torch.manual_seed(0)
    return Toy().eval()


def random_model(name: str, config: str, **sizes):
    """A randomly initialised model of transformers; skips where it is not installed."""
    transformers = pytest.importorskip(
        "transformers", reason="transformers is not installed (the extra `adapters`)"
    )
    if not hasattr(transformers, name):
        pytest.skip(f"transformers {transformers.__version__} has no {name}")
    torch.manual_seed(0)
    made = getattr(transformers, config)(**sizes)
    model = getattr(transformers, name)(made).eval()
    with torch.no_grad():  # routers start at small numbers, or zero: make them decide
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith(
                ("gate.weight", "router.weight", "classifier.weight", "router.proj.weight")
            ):
                parameter.normal_(0, 1.0)
    return model


def top(values: np.ndarray, k: int) -> np.ndarray:
    """The k largest of each row, as sorted sets: a slow check of who was chosen."""
    return np.sort(np.argsort(-values, axis=1, kind="stable")[:, :k], axis=1)
