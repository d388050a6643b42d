"""Which weights of a LIMoE are trained how."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from workbench.gpu.limoe.model import Limoe
from workbench.gpu.muon import Muon

__all__ = ["optimizers_for", "set_rates"]

RATE = 1e-3
MUON_RATE = 3e-3
ROUTER_RATE = 1e-2
"""Ten times the others': with less, routers stay undecided for thousands of steps."""
DECAY = 0.1


def optimizers_for(model: Limoe) -> tuple[list[Optimizer], list[list[float]]]:
    """The optimizers of a model, and their peak learning rates, one list an optimizer.

    Muon trains the matrices of the blocks, those of each expert for itself, AdamW all else.
    Routers, embeddings, biases and norms do not decay.
    """
    inner: list[Tensor] = []
    decayed: list[Tensor] = []
    free: list[Tensor] = []
    routers: list[Tensor] = []
    for name, weight in model.named_parameters():
        if ".router." in name:
            routers.append(weight)
        elif weight.ndim < 2 or any(part in name for part in ("word", "position", "bias")):
            free.append(weight)
        else:
            (inner if name.startswith("blocks.") else decayed).append(weight)
    groups = [
        {"params": decayed, "lr": RATE, "weight_decay": DECAY},
        {"params": free, "lr": RATE, "weight_decay": 0.0},
        {"params": routers, "lr": ROUTER_RATE, "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW([group for group in groups if group["params"]], betas=(0.9, 0.98))
    optimizers: list[Optimizer] = [adamw, Muon(inner, lr=MUON_RATE, weight_decay=DECAY)]
    return optimizers, [[group["lr"] for group in o.param_groups] for o in optimizers]


def set_rates(optimizers: list[Optimizer], peaks: list[list[float]], factor: float) -> None:
    """Set every learning rate to ``factor`` times its peak."""
    for optimizer, rates in zip(optimizers, peaks, strict=True):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor
