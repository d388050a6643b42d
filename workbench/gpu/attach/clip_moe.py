"""CLIP-MoE (Zhang et al. 2024): both towers of a CLIP with experts in their blocks.

Each tower has experts of its own, so no expert ever sees both modalities: what can be asked is how
each tower divides its own tokens. Layers of the image tower come first, then those of the text
tower, numbered on.
"""

from __future__ import annotations

from workbench.gpu.attach.generic import Described, generic
from workbench.gpu.attach.readings import from_logits

__all__ = ["clip_moe"]


def clip_moe(top_k: int = 2) -> Described:
    """Reads a module with CLIP-MoE's names: ``[visual.]transformer.resblocks.{i}.gate``.

    The gate is a linear map to logits. A block takes their softmax, keeps the largest and divides
    them by their sum; nothing is dropped. Tokens lie place by place (row = place * N + sample).

    Args:
        top_k: experts a token chooses; 2 in the published checkpoints.
    """
    return generic(
        r"(visual\.)?transformer\.resblocks\.\d+\.gate",
        from_logits(top_k),
        recomputed=True,
        sequence_first=True,
    )
