"""docs/attach.md: its examples run as they stand, and its table names every family."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.gpu.attach_toys import random_model
from tests.gpu.test_attach_multimodal import MODELS, SIZES
from tests.worker import routing_world as world
from workbench.api import open_workspace
from workbench.experts.summary import summarise
from workbench.gpu.attach.families import FAMILIES

PAGE = (Path(__file__).resolve().parents[2] / "docs/attach.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.S)
IMAGE, PATCHES = 3, 4
WORDS = ("never", "seen", "a", "red", "apple", "and", "more", "plum")


class Processor:
    """Four patches for an image, a number for each word; padded, as real ones do."""

    image_token = "<image>"
    tokenizer = SimpleNamespace(decode=lambda numbers: WORDS[numbers[0] - 5])

    def __call__(self, images, text, return_tensors):
        assert return_tensors == "pt" and images[0].size == (224, 224)
        words = text[0].removeprefix(self.image_token).split()
        ids = [IMAGE] * PATCHES + [5 + WORDS.index(word) for word in words]
        mask = [1] * len(ids) + [0] * (12 - len(ids))
        ids = torch.tensor([ids + [0] * (12 - len(ids))])
        return {"input_ids": ids, "attention_mask": torch.tensor([mask])}


def test_a_model_of_transformers(tmp_path):
    kind, config, own, layers = MODELS["aria"]
    model = random_model(kind, config, **SIZES | own)
    model.config.image_token_id = IMAGE
    with open_workspace(tmp_path / "space") as bench:
        world.fill(bench, tmp_path / "images", 6)
        code = EXAMPLES[0].replace('"scenes"', '"d"').replace("range(4)", "range(1, 5)")
        code = code.replace("open_workspace()", "workspace")  # the one that is filled
        scope = {"model": model, "processor": Processor(), "workspace": bench}
        exec(compile(code, "docs/attach.md", "exec"), scope)
        kept = bench.recording(scope["recording"].key)
        assert kept.label == "my-mixture · d · nothing dropped" and f"{kept.label[:10]}" in PAGE
        assert kept.layers == tuple(layers) and kept.inputs == {"image": 4, "text": 4}
        assert kept.grid == 2 and kept.flags["shared"]
        found = bench.input_tokens(kept.key, 2)
        assert found.text.words == tuple(world.WORDS[2].split())
        mine = scope["records"][3]  # layer 0 of item 2
        assert (mine.layer, set(mine.sample.tolist())) == (0, {2})
        assert np.array_equal(
            np.sort(found.image.experts[0]), np.sort(mine.indices[mine.modality == 0])
        )
        (first, *_) = summarise(bench.recorded(kept.key), draws=20)
        assert 0 <= first.jsd_bits <= 1


def test_any_other_model():
    exec(compile(EXAMPLES[1], "docs/attach.md", "exec"), {"__name__": "example"})


@pytest.mark.parametrize("family", sorted({each.family for each in FAMILIES.values()}))
def test_every_family_is_in_the_table(family):
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    assert any(family in row.split("|")[1] for row in rows)
