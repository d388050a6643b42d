"""A trained model as a folder that open_clip loads with its `local-dir:` scheme."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save

from workbench.gpu.files import replace
from workbench.gpu.limoe.batches import MEAN, STD

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"
MERGES = "bpe_merges.txt.gz"


def config_json(model_config: dict[str, Any]) -> dict[str, Any]:
    """The content of open_clip_config.json: architecture and image preprocessing."""
    look = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"}
    return {"model_cfg": model_config, "preprocess_cfg": look}


def export(folder: Path, model: CLIP, model_config: dict[str, Any], merges: bytes) -> None:
    """Write config, tokenizer and weights (float16); the weights last, so a bundle is complete.

    Patch dropout belongs to the training and has no weights, so it is left out of the config.
    """
    vision = {k: v for k, v in model_config["vision_cfg"].items() if k != "patch_dropout"}
    config = config_json(model_config | {"vision_cfg": vision})
    replace(folder / CONFIG, json.dumps(config, indent=2).encode() + b"\n")
    replace(folder / MERGES, merges)
    half = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    replace(folder / WEIGHTS, save(half, {"format": "pt"}))


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle: model in float32 and evaluation mode, preprocessing and tokenizer."""

    model: Any
    preprocess: Any
    tokenizer: SimpleTokenizer


def load(folder: Path) -> Bundle:
    """Load a bundle by the calls that load any model of open_clip.

    The merges file is named in the call because open_clip would look for a path in the config
    relative to the current folder, not to the bundle.
    """
    name = f"local-dir:{folder}"
    model, _, preprocess = open_clip.create_model_and_transforms(name)
    tokenizer = open_clip.get_tokenizer(name, bpe_path=str(folder / MERGES))
    return Bundle(model.eval(), preprocess, tokenizer)


def unit_texts(bundle: Bundle, texts: list[str]) -> torch.Tensor:
    """Text vectors, float32 (M, D), unit rows."""
    with torch.inference_mode():
        return bundle.model.encode_text(bundle.tokenizer(texts), normalize=True)
