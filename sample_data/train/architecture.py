"""The architecture of the two small models, as open_clip builds it."""

from typing import Any

import torch
from open_clip.model import CLIP

from sample_data.train.losses import LOSSES
from workbench.gpu.bpe import CLEAN

IMAGE_SIZE = 64
CONTEXT_LENGTH = 20
EMBED_DIM = 128


def model_config(kind: str, vocab_size: int) -> dict[str, Any]:
    """The `model_cfg` part of an open_clip config, for `kind` "clip" or "siglip".

    Patch 12 leaves the last 4 of the 64 pixels unseen on two sides; 25 patches cost less than half
    of the 64 that patch 8 makes, and see more than the 16 of patch 16.
    """
    config: dict[str, Any] = {
        "embed_dim": EMBED_DIM,
        "vision_cfg": {
            "image_size": IMAGE_SIZE,
            "patch_size": 12,
            "width": 256,
            "layers": 3,
            "head_width": 64,
            "patch_dropout": 0.4,
            "pool_type": "avg",
            "final_ln_after_pool": True,
        },
        "text_cfg": {
            "context_length": CONTEXT_LENGTH,
            "vocab_size": vocab_size,
            "tokenizer_kwargs": {"clean": CLEAN},
            "width": 128,
            "heads": 2,
            "layers": 2,
        },
    }
    return config | LOSSES[kind].init


def build(config: dict[str, Any], seed: int) -> CLIP:
    """A freshly initialised model in float32; the same seed gives the same weights."""
    torch.manual_seed(seed)
    return CLIP(**config)


def parameters(model: CLIP) -> int:
    """How many numbers are learned."""
    return sum(weight.numel() for weight in model.parameters())
