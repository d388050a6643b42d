from dataclasses import fields

import numpy as np
import pytest
import torch

from sample_data.train import limoe
from sample_data.train.batches import Pairs as Rendered
from workbench.gpu.limoe.recipe import Recipe


@pytest.fixture
def pairs(monkeypatch):
    monkeypatch.setattr(limoe, "HELD_OUT", 6)
    images = np.repeat(np.arange(40, dtype=np.uint8) * 5, 96 * 96 * 3).reshape(40, 96, 96, 3)
    rendered = Rendered(images, torch.arange(40)[:, None])
    return limoe.Pairs(rendered, Recipe(batch=17, seed=3))


def test_held_out_pairs_are_never_trained_on_and_all_others_are(pairs):
    pixels, held = pairs.held_out()
    assert pixels.shape == (6, 3, 64, 64)
    seen = torch.cat([pairs.batch(step)[1] for step in range(2)])
    assert sorted(seen.flatten().tolist()) == sorted(set(range(40)) - set(held.flatten().tolist()))


def test_a_batch_is_the_same_each_time_and_tokens_stay_with_their_images(pairs):
    pixels, tokens = pairs.batch(5)
    again, same = pairs.batch(5)
    assert torch.equal(pixels, again)
    assert torch.equal(tokens, same)
    level = (pixels * 0.25 + 0.5).mean((1, 2, 3)) * 255
    expected = tokens[:, 0] * 5
    assert ((level - expected).abs() <= 0.22 * expected + 1).all()


def test_every_part_of_a_recipe_is_an_option():
    given = [
        "--images",
        "A",
        "--out",
        "B",
        "--losses",
        "classic",
        "--modality-bias",
        "--steps",
        "7",
    ]
    found = limoe.arguments([*given, "--no-priority", "--soft-text", "4"])
    recipe = Recipe(**{each.name: getattr(found, each.name) for each in fields(Recipe)})
    expected = Recipe(losses="classic", modality_bias=True, steps=7, priority=False, soft_text=4.0)
    assert recipe == expected
