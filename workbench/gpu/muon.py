"""Muon: momentum whose update is made orthogonal, for the matrices of the transformer blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

__all__ = ["Muon", "orthogonal"]

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
MOMENTUM = 0.95


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the singular vectors of ```matrix``` and singular values between 0.7 and 1.2.

    A quintic Newton-Schulz iteration, in float32 because this is meant for processors without
    bfloat16; (..., R, C) -> (..., R, C), each matrix for itself. After Jordan et al. 2024, "Muon:
    An optimizer for hidden layers".
    """
    a, b, c = COEFFICIENTS
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    found: Tensor = x.mT if tall else x
    return found


class Muon(Optimizer):
    """Nesterov momentum, orthogonalised, with decoupled weight decay.

    A step has the size that AdamW's would have (0.2 root mean square, Liu et al. 2025), so the
    learning rate is one for AdamW. A (3 D, D) matrix counts as three, for query, key and value; a
    stack (E, R, C) as E, for the experts of a mixture.
    """

    def __init__(self, weights: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Change every weight that has a gradient; ``closure`` is not used."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    update = self._update(weight, weight.grad)
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update, alpha=-group["lr"])

    def _update(self, weight: Tensor, gradient: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum: Tensor = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        ahead: Tensor = gradient.lerp(momentum, MOMENTUM)
        rows, columns = ahead.shape[-2:]
        parts = ahead.chunk(3) if ahead.shape == (3 * columns, columns) else (ahead,)
        size: float = 0.2 * max(rows // len(parts), columns) ** 0.5
        return torch.cat([orthogonal(part) for part in parts]) * size
