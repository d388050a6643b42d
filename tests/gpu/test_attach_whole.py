"""Whole models with a vision tower in front: pixels in, patches of the picture in the record."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.gpu.test_attach_multimodal import MODELS, SIZES
from workbench.experts.layer_records import tokens_of
from workbench.experts.layout import Layout
from workbench.gpu.attach.attach import attach

PATCH, BEGIN, END = 3, 4, 5
IDS = [[7, BEGIN, *[PATCH] * 4, END, 8, 9], [10, BEGIN, *[PATCH] * 4, END, 11, 12]]
VISION = {
    "depth": 2, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2, "patch_size": 4,
    "spatial_merge_size": 2,
}  # fmt: skip
WHOLE = {
    "qwen3-vl": ("Qwen3VLMoeForConditionalGeneration", "Qwen3VLMoeConfig",
                 {"vision_start_token_id": BEGIN, "vision_end_token_id": END},
                 {"temporal_patch_size": 2, "out_hidden_size": 16, "num_position_embeddings": 16,
                  "deepstack_visual_indexes": [0]}, 2),
    "ernie": ("Ernie4_5_VLMoeForConditionalGeneration", "Ernie4_5_VLMoeConfig",
              {"image_start_token_id": BEGIN, "image_end_token_id": END},
              {"temporal_merge_size": 2, "text_hidden_size": 16}, 1),
}  # fmt: skip


def made(name):
    transformers = pytest.importorskip("transformers", reason="the extra `adapters` is missing")
    kind, config, marks, vision, frames = WHOLE[name]
    _, text, own, _ = MODELS[name]
    told = getattr(transformers, config)(
        text_config=getattr(transformers, text)(**SIZES | own).to_dict(),
        vision_config=VISION | vision,
        image_token_id=PATCH,
        video_token_id=6,
        **marks,
    )
    torch.manual_seed(0)
    return getattr(transformers, kind)(told).eval(), frames


@pytest.mark.parametrize("name", WHOLE)
def test_patches_and_words_of_a_whole_model(name):
    model, frames = made(name)
    ids = torch.tensor(IDS)
    given = {
        "input_ids": ids,
        "pixel_values": torch.randn(2 * 16, 3 * frames * 4 * 4),
        "image_grid_thw": torch.tensor([[1, 4, 4]] * 2),
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": (ids == PATCH).int(),
    }
    if name == "ernie":  # its marks around an image go with the patches
        given["moe_mm_token_type_ids"] = torch.isin(ids, torch.tensor([PATCH, BEGIN, END])).int()
    with torch.no_grad():
        before = model(**given).logits
        with attach(model) as tap:
            inside = model(**given).logits
            records = tap.records(
                Layout.of_ids(ids, [0, 1], image_token=PATCH, leave_out=[BEGIN, END])
            )
    assert torch.equal(before, inside)
    assert [each.layer for each in records] == MODELS[name][3]
    tokens = tokens_of(records)
    assert np.bincount(tokens.modality).tolist() == [len(records) * 8, len(records) * 6]
    if name == "ernie":
        assert (tokens.experts[tokens.modality == 0] >= 8).all()
        assert (tokens.experts[tokens.modality == 1] < 8).all()
