"""A trained LIMoE as a folder that is registered like any other model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save

from workbench.gpu.files import replace
from workbench.gpu.limoe.batches import MEAN, STD
from workbench.gpu.limoe.config import LimoeConfig
from workbench.gpu.limoe.model import Limoe
from workbench.gpu.source import CONFIG_FILE, MERGES_FILE

__all__ = ["WEIGHTS", "config_json", "export"]

WEIGHTS = "model.safetensors"


def config_json(config: LimoeConfig, *, clean: str) -> dict[str, Any]:
    """The config file's content: open_clip's keys for what they have in common, and ``limoe``.

    Args:
        config: of the model.
        clean: how open_clip's tokenizer prepares a text (``canonicalize``, ``lower`` ...).
    """
    model = {
        "embed_dim": config.embed_dim,
        "vision_cfg": {"image_size": config.image_size},
        "text_cfg": {
            "context_length": config.context_length,
            "vocab_size": config.vocab_size,
            "tokenizer_kwargs": {"clean": clean},
        },
        "limoe": config.to_json(),
    }
    look = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"}
    return {"model_cfg": model, "preprocess_cfg": look}


def export(folder: Path, model: Limoe, merges: bytes, *, clean: str, film: Path) -> None:
    """Write config, tokenizer, film and weights (float16); the weights last, so it is complete.

    Args:
        folder: is made; what is there of a bundle is replaced.
        model: on any device.
        merges: content of the tokenizer's merges file.
        clean: see ``config_json``.
        film: the training's log, copied.
    """
    content = json.dumps(config_json(model.config, clean=clean), indent=2)
    replace(folder / CONFIG_FILE, content.encode() + b"\n")
    replace(folder / MERGES_FILE, merges)
    replace(folder / film.name, film.read_bytes())
    half = {n: value.detach().cpu().half().contiguous() for n, value in model.state_dict().items()}
    replace(folder / WEIGHTS, save(half, {"format": "pt"}))
