"""Which weights are trained how."""

import torch
from torch import nn
from torch.optim import Optimizer

RATE = 1e-3
DECAY = 0.1


def optimizers_for(model: nn.Module) -> tuple[list[Optimizer], list[list[float]]]:
    """AdamW over the model, and the peak learning rates, one list an optimizer.

    Matrices decay; embeddings, biases, norms, scale and bias do not.
    """
    decayed, free = [], []
    for name, weight in model.named_parameters():
        matrix = weight.ndim >= 2 and "embedding" not in name
        (decayed if matrix else free).append(weight)
    groups = [{"params": decayed, "weight_decay": DECAY}, {"params": free, "weight_decay": 0.0}]
    optimizers: list[Optimizer] = [torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98))]
    return optimizers, [[group["lr"] for group in o.param_groups] for o in optimizers]


def set_rates(optimizers: list[Optimizer], peaks: list[list[float]], factor: float) -> None:
    """Set every learning rate to `factor` times its peak."""
    for optimizer, rates in zip(optimizers, peaks, strict=True):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor
