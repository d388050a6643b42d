"""How much each loss of the routers counts; imports no torch, so that forms can read it."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["Weights"]


@dataclass(frozen=True)
class Weights:
    """How much each loss of the routers counts beside the contrastive loss; 0 leaves it out.

    Args:
        importance, load, z: the classic losses, over the tokens of both modalities.
        local_image, local_text: mean entropy of single tokens.
        global_image, global_text: shortfall of the average below its soft minimum.
        soft_image, soft_text: the soft minima, in experts.
    """

    importance: float = 0.02
    load: float = 0.02
    z: float = 1e-3
    local_image: float = 0.0
    local_text: float = 0.1
    global_image: float = 0.1
    global_text: float = 0.1
    soft_image: float = 6.0
    soft_text: float = 2.0

    @classmethod
    def none(cls) -> Weights:
        """No loss of the routers at all."""
        return cls(**{each.name: 0.0 for each in fields(cls) if not each.name.startswith("soft")})

    @classmethod
    def classic(cls) -> Weights:
        """Classic balancing alone: importance, load and z."""
        return cls(local_text=0.0, global_image=0.0, global_text=0.0)
