"""Which weights are trained how."""

import torch
from torch import nn
from torch.optim import Optimizer

from workbench.gpu.muon import Muon

RATE = 1e-3
MUON_RATE = 3e-3
DECAY = 0.1


def optimizers_for(model: nn.Module) -> tuple[list[Optimizer], list[list[float]]]:
    """The optimizers of a model, and their peak learning rates, one list an optimizer.

    Muon trains the matrices of the transformer blocks, AdamW everything else. Embeddings, biases,
    norms, scale and bias do not decay.
    """
    inner, decayed, free = [], [], []
    for name, weight in model.named_parameters():
        if weight.ndim < 2 or "embedding" in name:
            free.append(weight)
        else:
            (inner if "resblocks" in name else decayed).append(weight)
    groups = [{"params": decayed, "weight_decay": DECAY}, {"params": free, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98))
    optimizers: list[Optimizer] = [adamw, Muon(inner, lr=MUON_RATE, weight_decay=DECAY)]
    return optimizers, [[group["lr"] for group in o.param_groups] for o in optimizers]
