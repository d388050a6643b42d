"""A CLIP of a few thousand weights, as a bundle folder, and pictures for it."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

MERGES = ["a p", "p l", "pl e</w>", "ap ple</w>", "r e", "re d</w>"]
CONFIG: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": 32,
        "patch_size": 8,
        "width": 32,
        "layers": 2,
        "head_width": 16,
    },
    "text_cfg": {
        "context_length": 12,
        "vocab_size": 512 + len(MERGES) + 2,
        "width": 32,
        "heads": 2,
        "layers": 2,
    },
}
PREPROCESS = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3], "resize_mode": "shortest"}


def bundle(folder: Path, *, seed: int = 0, bias: float | None = None, layers: int = 2) -> Path:
    """Write a bundle with random weights; returns the folder."""
    import open_clip

    folder.mkdir(parents=True)
    config = json.loads(json.dumps(CONFIG))
    config["vision_cfg"]["layers"] = layers
    if bias is not None:
        config["init_logit_bias"] = bias
    text = json.dumps({"model_cfg": config, "preprocess_cfg": PREPROCESS})
    (folder / "open_clip_config.json").write_text(text)
    lines = "\n".join(["#version", *MERGES])
    (folder / "bpe_merges.txt.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = open_clip.CLIP(**json.loads(json.dumps(config)))
    state = {name: value.contiguous().clone() for name, value in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return folder


def picture(seed: int, size: tuple[int, int] = (40, 30), kind: str = "PNG") -> bytes:
    """An image file of smooth random colours."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 255, (4, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()
