"""What a LIMoE is trained to lower: the contrastive loss, and the losses of its routers.

Formulas and limits of the router losses:

| loss | formula | least, most |
|---|---|---|
| importance | squared coefficient of variation of ``I_e = sum_i p_ie`` | 0, E - 1 |
| load | the same of ``L_e = mean_i P(i picks e again with new noise on e alone)`` | 0, E - 1 |
| z | ``mean_i (logsumexp_e z_ie)^2`` | 0, none |
| local entropy of a modality | ``mean_i H(p_i)`` | 0, ln E |
| global entropy of a modality | ``max(0, ln S - H(mean_i p_i))`` | 0, ln S |

All entropies are natural. S is the number of experts that a modality shall use at least.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from workbench.gpu.limoe.model import IMAGE, TEXT, Routed
from workbench.gpu.limoe.routing import Routing
from workbench.gpu.limoe.weights import Weights

__all__ = [
    "auxiliary",
    "contrastive",
    "entropy",
    "global_entropy",
    "importance",
    "load",
    "local_entropy",
    "z_loss",
]


def contrastive(image: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    """Mean cross-entropy of finding each image's text in the batch, and each text's image.

    Args:
        image: (B, D), unit rows.
        text: (B, D), unit rows; row i belongs to image i.
        scale: what similarities are multiplied by.

    Source: Radford et al. 2021, figure 3; the same batch-wide softmax is LIMoE's.
    """
    logits = scale * image @ text.T
    right = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)) / 2


def _unevenness(values: Tensor) -> Tensor:
    """Squared coefficient of variation, population standard deviation: 0 when all are equal."""
    return values.var(correction=0) / values.mean().square().clamp_min(1e-20)


def importance(routing: Routing) -> Tensor:
    """How unevenly probability is spread over experts: 0 to E - 1 (Shazeer et al. 2017)."""
    return _unevenness(routing.probs.sum(dim=0))


def load(routing: Routing) -> Tensor:
    """How unevenly the expected number of tokens is spread over experts: 0 to E - 1.

    The chance that an expert is among the K chosen if its own noise were drawn again, smooth where
    counts are not (Shazeer et al. 2017, appendix A; V-MoE). Zero where it is not defined: without
    noise, or when every expert is chosen.
    """
    top_k, count = routing.experts.shape[1], routing.logits.shape[1]
    if not routing.sigma or top_k == count:
        return routing.logits.new_zeros(())
    threshold = routing.noisy.topk(top_k, dim=-1).values[:, -1:]
    chance = 1 - torch.special.ndtr((threshold - routing.logits) / routing.sigma)
    return _unevenness(chance.mean(dim=0))


def z_loss(routing: Routing) -> Tensor:
    """Mean squared log-partition of the logits: keeps them small (Zoph et al. 2022, ST-MoE)."""
    return routing.logits.logsumexp(dim=-1).square().mean()


def entropy(probs: Tensor) -> Tensor:
    """Natural entropy along the last axis, 0 ln 0 being 0."""
    found: Tensor = -torch.special.xlogy(probs, probs).sum(dim=-1)
    return found


def local_entropy(probs: Tensor) -> Tensor:
    """Mean entropy of single tokens' routing: 0 when each is decided, ln E when none is.

    Args:
        probs: (n, E), of one modality's tokens; 0 for none of them.
    """
    return entropy(probs).mean() if len(probs) else probs.new_zeros(())


def global_entropy(probs: Tensor, soft_minimum: float) -> Tensor:
    """By how much the average routing falls short of ``soft_minimum`` experts: 0 to ln S.

    Zero as soon as ``exp(H(mean p)) >= S``, and then without a gradient (Mustafa et al. 2022).

    Args:
        probs: (n, E), of one modality's tokens.
        soft_minimum: S, from 1 to E.
    """
    if not len(probs):
        return probs.new_zeros(())
    return (math.log(soft_minimum) - entropy(probs.mean(dim=0))).clamp_min(0)


def auxiliary(routed: list[Routed], weights: Weights) -> tuple[Tensor, Mapping[str, Tensor]]:
    """The routers' weighted loss, mean over layers, and each unweighted term (detached).

    Every term is reported, also one of weight 0.

    Raises:
        ValueError: no layer was routed.
    """
    if not routed:
        raise ValueError("a model without mixtures has no loss of routers")
    layers = [_terms(each, weights) for each in routed]
    terms = {name: torch.stack([layer[name] for layer in layers]).mean() for name in layers[0]}
    total = torch.stack([getattr(weights, name) * value for name, value in terms.items()]).sum()
    return total, {name: value.detach() for name, value in terms.items()}


def _terms(each: Routed, weights: Weights) -> dict[str, Tensor]:
    routing = each.routing
    image, text = (routing.probs[each.modality == side] for side in (IMAGE, TEXT))
    return {
        "importance": importance(routing),
        "load": load(routing),
        "z": z_loss(routing),
        "local_image": local_entropy(image),
        "local_text": local_entropy(text),
        "global_image": global_entropy(image, weights.soft_image),
        "global_text": global_entropy(text, weights.soft_text),
    }
