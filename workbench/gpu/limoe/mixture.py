"""A mixture of experts in the place of a transformer block's MLP."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.gpu.limoe.routing import Router, Routing

__all__ = ["Mixture", "Reroute"]

Reroute = Callable[[Routing], Routing]
"""Changes a decision before it is carried out, e.g. to switch an expert off."""


class Mixture(nn.Module):
    """E MLPs of which each token passes K, weighted by the router's probability.

    ``y = sum of p_e(x) * MLP_e(x)`` over the chosen and kept experts (Shazeer et al. 2017). A token
    without any adds nothing: only the block's residual carries it.

    Args:
        width: of the tokens.
        hidden: within an expert.
        router: decides.
    """

    def __init__(self, width: int, hidden: int, router: Router) -> None:
        super().__init__()
        count = router.experts
        self.router = router
        self.up = nn.Parameter(torch.empty(count, hidden, width))
        self.up_bias = nn.Parameter(torch.zeros(count, hidden))
        self.down = nn.Parameter(torch.empty(count, width, hidden))
        self.down_bias = nn.Parameter(torch.zeros(count, width))
        for weight in (self.up, self.down):
            bound = 1 / math.sqrt(weight.shape[2])
            nn.init.uniform_(weight, -bound, bound)
        self.reroute: Reroute | None = None
        """Set for the time of an ablation."""

    def forward(self, tokens: Tensor, factor: float | None) -> tuple[Tensor, Routing]:
        """Pass a group through its experts.

        Args:
            tokens: (T, d).
            factor: capacity factor; None drops nothing.

        Returns:
            What the block adds to each token, (T, d), zero where all choices were dropped; and the
            decision.
        """
        routing = self.router(tokens, factor)
        if self.reroute is not None:
            routing = self.reroute(routing)
        return self._dispatch(tokens, routing), routing

    def _dispatch(self, tokens: Tensor, routing: Routing) -> Tensor:
        """Gather each expert's tokens, pass them at once, and add them back in their places."""
        kept, top_k = routing.kept.reshape(-1), routing.experts.shape[1]
        chosen = torch.where(kept, routing.experts.reshape(-1), self.router.experts)
        order = torch.argsort(chosen, stable=True)
        sizes = torch.bincount(chosen, minlength=self.router.experts + 1)[:-1].tolist()
        order = order[: sum(sizes)]
        places = order if top_k == 1 else order // top_k
        gathered = torch.split(tokens[places], sizes)
        passed = torch.cat([self.expert(e, group) for e, group in enumerate(gathered)])
        weighted = passed * routing.gates.reshape(-1, 1)[order].to(passed.dtype)
        return torch.zeros_like(tokens, dtype=weighted.dtype).index_add(0, places, weighted)

    def expert(self, number: int, tokens: Tensor) -> Tensor:
        """One expert's MLP of (t, d) tokens, without its gate."""
        inner = functional.linear(tokens, self.up[number], self.up_bias[number])
        return functional.linear(functional.gelu(inner), self.down[number], self.down_bias[number])
