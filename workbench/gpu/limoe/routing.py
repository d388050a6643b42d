"""Which experts a token goes to, and which tokens find room there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Router", "Routing", "capacity", "kept_in_order", "kept_with_priority"]

INIT = 0.02
"""Standard deviation of a new router's weights."""


@dataclass(frozen=True)
class Routing:
    """What one mixture decided about the tokens of a group.

    Args:
        logits: float32 (T, E), without noise.
        noisy: float32 (T, E), what the choice was made from; ``logits`` itself without noise.
        probs: float32 (T, E), softmax of ``noisy``; rows sum to 1.
        experts: int64 (T, K), best first, distinct in a row.
        gates: float32 (T, K), ``probs`` of the chosen ones, not renormalised.
        kept: bool (T, K), False where an expert had no room: nothing is added there.
        sigma: standard deviation of the noise; 0 without.
    """

    logits: Tensor
    noisy: Tensor
    probs: Tensor
    experts: Tensor
    gates: Tensor
    kept: Tensor
    sigma: float


def capacity(tokens: int, top_k: int, factor: float, experts: int) -> int:
    """Tokens an expert takes of a group: ``ceil(factor * tokens * K / E)``, at least 1."""
    # a product such as 1.1 * 10 is a hair above 11 in binary and must not be rounded up to 12
    return max(1, math.ceil(factor * tokens * top_k / experts - 1e-9))


def kept_in_order(experts: Tensor, count: int, room: int) -> Tensor:
    """Which choices find room when tokens are served in their order.

    All first choices are served before any second choice (Lepikhin et al. 2020, V-MoE).

    Args:
        experts: int64 (T, K), chosen experts, best first.
        count: of experts (E).
        room: tokens an expert takes.

    Returns:
        bool (T, K); no expert occurs more than ``room`` times where it is True.
    """
    served = experts.T.reshape(-1)  # every first choice, then every second one
    # a stable sort by expert keeps the order of service within each expert
    order = torch.argsort(served, stable=True)
    sizes = torch.bincount(served, minlength=count)
    starts = sizes.cumsum(0) - sizes
    place = torch.empty_like(served)
    place[order] = torch.arange(len(served), device=served.device) - starts[served[order]]
    return (place < room).view(experts.shape[1], experts.shape[0]).T


def kept_with_priority(experts: Tensor, gates: Tensor, count: int, room: int) -> Tensor:
    """Which choices find room when the surest tokens are served first.

    Batch priority routing (Riquelme et al. 2021): tokens are sorted by their largest gate, served
    in that order, and put back. Ties are served in the order of the group.

    Args:
        experts: int64 (T, K).
        gates: (T, K), best first.
        count: of experts (E).
        room: tokens an expert takes.

    Returns:
        bool (T, K).
    """
    order = torch.argsort(gates[:, 0].detach(), descending=True, stable=True)
    kept = torch.empty_like(experts, dtype=torch.bool)
    kept[order] = kept_in_order(experts[order], count, room)
    return kept


class Router(nn.Module):
    """Scores of the experts for each token: one linear map without bias, always in float32.

    Args:
        width: of the tokens.
        experts: E.
        top_k: K.
        priority: serve the surest tokens first.
    """

    def __init__(self, width: int, experts: int, top_k: int, *, priority: bool = True) -> None:
        super().__init__()
        self.experts, self.top_k, self.priority = experts, top_k, priority
        self.weight = nn.Parameter(torch.empty(experts, width).normal_(std=INIT))

    def forward(self, tokens: Tensor, factor: float | None) -> Routing:
        """Route a group.

        In training mode the choice is made from noisy logits (normal, standard deviation 1 / E).

        Args:
            tokens: (T, d).
            factor: capacity factor; None drops nothing.
        """
        with torch.autocast(tokens.device.type, enabled=False):
            logits = tokens.float() @ self.weight.float().T
            sigma = 1 / self.experts if self.training else 0.0
            noisy = logits + sigma * torch.randn_like(logits) if sigma else logits
            probs = noisy.softmax(dim=-1)
            gates, experts = probs.topk(self.top_k, dim=-1)
        return Routing(
            logits, noisy, probs, experts, gates, self._kept(experts, gates, factor), sigma
        )

    def _kept(self, experts: Tensor, gates: Tensor, factor: float | None) -> Tensor:
        if factor is None:
            return torch.ones_like(experts, dtype=torch.bool)
        room = capacity(len(experts), self.top_k, factor, self.experts)
        if self.priority:
            return kept_with_priority(experts, gates, self.experts, room)
        return kept_in_order(experts, self.experts, room)
