"""Muon: momentum whose update is made orthogonal, for the matrices of the transformer blocks."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
MOMENTUM = 0.95


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the singular vectors of `matrix` and singular values between 0.7 and 1.2.

    A quintic Newton-Schulz iteration, in float32 because this is meant for processors without
    bfloat16; (R, C) -> (R, C). After Jordan et al. 2024, "Muon: An optimizer for hidden layers".
    """
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon(Optimizer):
    """Nesterov momentum, orthogonalised, with decoupled weight decay.

    A step has the size that AdamW's would have (0.2 root mean square, Liu et al. 2025), so the
    learning rate is one for AdamW. A (3 D, D) matrix counts as three, for query, key and value.
    """

    def __init__(self, weights: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Change every weight that has a gradient; `closure` is not used."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    update = self._update(weight)
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update, alpha=-group["lr"])

    def _update(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"].lerp_(weight.grad, 1 - MOMENTUM)
        ahead = weight.grad.lerp(momentum, MOMENTUM)
        rows, columns = ahead.shape
        parts = ahead.chunk(3) if rows == 3 * columns else (ahead,)
        size = 0.2 * max(rows // len(parts), columns) ** 0.5
        return torch.cat([orthogonal(part) for part in parts]) * size
