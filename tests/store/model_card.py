"""A registered model for tests."""

from __future__ import annotations

from workbench.types import ModelInfo

MODEL = ModelInfo(
    key="k1",
    name="tiny",
    arch="ViT-tiny",
    weights="random:1",
    weights_sha256="",
    dim=4,
    context_length=16,
    image_size=(64, 64),
    preprocess={"mean": [0.5, 0.5, 0.5]},
    tokenizer={"kind": "simple"},
    precision="fp32",
    logit_scale=100.0,
    logit_bias=None,
    parameters=10,
)
