"""The two contrastive losses: softmax over the batch, and a sigmoid for each pair."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from workbench.gpu.limoe.losses import contrastive


def softmax_loss(image: Tensor, text: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of finding the own text of each image and the own image of each text.

    Args:
        image: (B, D) unit rows.
        text: (B, D) unit rows; row i belongs to image i.
        scale: scalar, the inverse temperature (already exponentiated).
        bias: ignored, a constant cancels in a softmax.

    Returns:
        A scalar; log(B) for features that say nothing. After Radford et al. 2021, figure 3.
    """
    return contrastive(image, text, scale)


def sigmoid_loss(image: Tensor, text: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
    """Sum over all B x B pairs of -log sigmoid(z (scale * cosine + bias)), divided by B.

    z is +1 on the diagonal and -1 elsewhere; a missing bias counts as 0. Shapes as in
    `softmax_loss`. After Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training".
    """
    logits = scale * image @ text.T
    if bias is not None:
        logits = logits + bias
    sign = 2 * torch.eye(len(image), device=image.device, dtype=logits.dtype) - 1
    return -F.logsigmoid(sign * logits).sum() / len(image)


@dataclass(frozen=True)
class Loss:
    """A loss and what its scale and bias start from (open_clip's config keys)."""

    function: Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
    init: dict[str, float]


LOSSES = {
    "clip": Loss(softmax_loss, {"init_logit_scale": math.log(1 / 0.07)}),
    "siglip": Loss(sigmoid_loss, {"init_logit_scale": math.log(10.0), "init_logit_bias": -10.0}),
}
