"""CLIP-MoE's layout, on a module with its names: two towers, tokens place by place."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from tests.gpu.attach_toys import top
from workbench.experts.layer_records import tokens_of
from workbench.experts.layout import Layout
from workbench.gpu.attach.attach import attach
from workbench.gpu.attach.clip_moe import clip_moe

E, D, GRID = 4, 8, 2
ROWS = (6, 2, 9)


class Mlp(nn.Sequential):
    def __init__(self):
        super().__init__(
            OrderedDict(c_fc=nn.Linear(D, 2 * D), gelu=nn.GELU(), c_proj=nn.Linear(2 * D, D))
        )


class Block(nn.Module):
    """A residual block with a gate and experts; tokens are (place, sample, width)."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(D, E, bias=False)
        self.experts = nn.ModuleList(Mlp() for _ in range(E))
        nn.init.normal_(self.gate.weight, std=2)

    def forward(self, states):
        flat = states.reshape(-1, D)
        weights, chosen = self.gate(flat).softmax(1).topk(2, dim=1)
        weights = weights / weights.sum(dim=1, keepdim=True)
        out = torch.zeros_like(flat)
        for expert, mlp in enumerate(self.experts):
            token, place = torch.where(chosen == expert)
            out.index_add_(0, token, mlp(flat[token]) * weights[token, place, None])
        return states + out.reshape(states.shape)


class Transformer(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.resblocks = nn.Sequential(*[Block() for _ in range(layers)])

    def forward(self, states):
        return self.resblocks(states.permute(1, 0, 2)).permute(1, 0, 2)


class Clip(nn.Module):
    def __init__(self):
        super().__init__()
        self.visual = nn.Module()
        self.visual.transformer = Transformer(3)
        self.transformer = Transformer(2)
        self.words = nn.Embedding(20, D)

    def encode_image(self, patches):
        return self.visual.transformer(patches)[:, 0]

    def encode_text(self, numbers):
        return self.transformer(self.words(numbers))[:, -1]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Clip().eval()


def both(model):
    """Records of images (a class token and 4 patches) and of texts (4 words)."""
    chance = torch.Generator().manual_seed(1)
    patches = torch.randn(len(ROWS), 1 + GRID * GRID, D, generator=chance)
    numbers = torch.randint(3, 20, (len(ROWS), 4), generator=chance)
    with attach(model, clip_moe()) as tap, torch.no_grad():
        image = model.encode_image(patches)
        images = tap.records(Layout.of_images(ROWS, GRID * GRID, before=1))
        text = model.encode_text(numbers)
        texts = tap.records(Layout.of_ids(numbers, ROWS, word=lambda n: f"w{n}"))
    with torch.no_grad():
        assert torch.equal(image, model.encode_image(patches))
        assert torch.equal(text, model.encode_text(numbers))
    return images, texts, patches, numbers


def test_layers_of_the_text_tower_come_behind_those_of_the_image_tower(model):
    images, texts, _, _ = both(model)
    assert [each.layer for each in images] == [0, 1, 2]
    assert [each.layer for each in texts] == [3, 4]
    assert texts[0].name == "transformer.resblocks.0.gate"


def test_each_token_is_where_it_belongs(model):
    """The model lays tokens out place by place; the record must not mix up samples."""
    images, texts, patches, numbers = both(model)
    with torch.no_grad():
        logits = model.visual.transformer.resblocks[0].gate(patches).numpy()
    first = images[0]
    for sample, row in enumerate(ROWS):
        for place in range(GRID * GRID):
            (at,) = np.flatnonzero(
                (first.sample == row) & (first.position == place) & (first.modality == 0)
            )
            np.testing.assert_allclose(first.logits[at], logits[sample, 1 + place], rtol=1e-5)
            assert sorted(first.indices[at]) == top(logits[sample, 1 + place][None], 2)[0].tolist()
    said = tokens_of(texts[:1])
    words = [said.words[at] for at in said.word[said.row == ROWS[0]]]
    assert words == [f"w{n}" for n in numbers[0].tolist()]
    assert (first.modality == -1).sum() == len(ROWS)  # class tokens


def test_towers_together_are_one_recording(model):
    images, texts, _, _ = both(model)
    tokens = tokens_of([*images, *texts])
    assert len(tokens) == len(ROWS) * (3 * GRID * GRID + 2 * 4)
    assert set(tokens.layer[tokens.modality == 0]) == {0, 1, 2}
    assert set(tokens.layer[tokens.modality == 1]) == {3, 4}
