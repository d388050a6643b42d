import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from workbench.errors import Cancelled, InputError, ModelError
from workbench.gpu.limoe import batches, training
from workbench.gpu.limoe.recipe import Recipe
from workbench.gpu.limoe.training import CHECKPOINT, FILM, new_model, train

RECIPE = Recipe(
    width=16,
    layers=2,
    heads=2,
    image_size=16,
    patch_size=8,
    experts=4,
    soft_image=2,
    steps=12,
    batch=8,
    watch=4,
    patch_dropout=0.5,
)
END = 19


class Toys:
    """Coloured squares and the names of their colours."""

    def __init__(self, recipe=RECIPE):
        self.recipe = recipe
        self.colours = default_rng(0).integers(0, 256, (16, 3)).astype(np.uint8)

    def _pairs(self, rows):
        pictures = [np.ones((24, 24, 3), np.uint8) * self.colours[row] for row in rows]
        tokens = torch.zeros(len(rows), 5, dtype=torch.int64)
        tokens[:, 0], tokens[:, 1], tokens[:, 2] = 18, torch.as_tensor(rows) + 1, END
        return pictures, tokens

    def batch(self, step):
        rows = batches.rows_of(self.recipe.seed, step, self.recipe.batch, 16)
        pictures, tokens = self._pairs(rows)
        rng = default_rng((self.recipe.seed, 2, step))
        return batches.crops(pictures, rng, 16), tokens

    def held_out(self):
        pictures, tokens = self._pairs(range(16))
        return batches.whole(np.stack(pictures), 16), tokens


def trained(folder, recipe=RECIPE, **more):
    model = new_model(recipe, 20, 5)
    progress = train(model, Toys(recipe), recipe, folder, **more)
    return model, progress, [json.loads(line) for line in (folder / FILM).read_text().splitlines()]


def timeless(film):
    return [{k: v for k, v in line.items() if k != "pairs_per_second"} for line in film]


def same(one, two):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_the_film_tells_losses_routing_and_retrieval(tmp_path):
    _, progress, film = trained(tmp_path)
    assert progress["step"] == 12
    steps = [line for line in film if line["kind"] == "step"]
    seen = [line for line in film if line["kind"] == "watch"]
    assert [line["step"] for line in steps] == [1, 10, 12]
    assert [line["step"] for line in seen] == [0, 4, 5, 8, 10, 12]
    for line in seen:
        assert line["layers"] == [1]
        assert [sum(side) for side in line["hard"][0]] == [16 * 4, 16 * 2]
        assert [sum(side) for side in line["soft"][0]] == pytest.approx([64, 32], abs=0.1)
        assert all(0 <= share <= 1 for share in line["kept"][0])
        assert 0 <= line["image_to_text"] <= 1
    for line in steps:
        parts = line["contrastive"] + 0.02 * line["importance"] + 0.02 * line["load"]
        parts += 1e-3 * line["z"] + 0.1 * line["local_text"]
        parts += 0.1 * line["global_text"] + 0.1 * line["global_image"]
        assert line["loss"] == pytest.approx(parts, abs=1e-4)


def test_training_learns(tmp_path):
    recipe = replace(RECIPE, steps=80, batch=16, watch=80)
    _, _, film = trained(tmp_path, recipe)
    seen = [line for line in film if line["kind"] == "watch"]
    assert seen[-1]["image_to_text"] > seen[0]["image_to_text"] + 0.3


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(tmp_path):
    one, _, film = trained(tmp_path / "one")
    two, _, again = trained(tmp_path / "two")
    assert same(one, two)
    assert timeless(film) == timeless(again)
    other, _, _ = trained(tmp_path / "other", replace(RECIPE, seed=1))
    assert not same(one, other)


@pytest.mark.parametrize("at", [1, 5, 11])
def test_an_interrupted_training_goes_on_to_the_same_curve(tmp_path, at):
    whole, _, film = trained(tmp_path / "whole")

    def stop(step):
        if step == at:
            raise Cancelled("training")

    with pytest.raises(Cancelled):
        trained(tmp_path / "cut", tick=stop)
    with (tmp_path / "cut" / FILM).open("a") as file:  # as a kill leaves it
        file.write('{"kind": "step", "step": 99')
    resumed, progress, again = trained(tmp_path / "cut")
    assert progress["step"] == 12
    assert same(whole, resumed)
    assert timeless(film) == timeless(again)


def test_another_recipe_is_refused(tmp_path):
    trained(tmp_path)
    with pytest.raises(InputError, match="batch=8"):
        trained(tmp_path, replace(RECIPE, batch=4))


def test_a_damaged_checkpoint_is_named(tmp_path):
    trained(tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(b"\x00" * 64)
    with pytest.raises(InputError, match="checkpoint"):
        trained(tmp_path)


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path, monkeypatch):
    nothing = torch.tensor(float("nan"), requires_grad=True)
    monkeypatch.setattr(training, "contrastive", lambda *_: nothing)
    with pytest.raises(ModelError, match="step 0 is nan"):
        trained(tmp_path)


def test_a_dense_twin_has_a_film_without_routing(tmp_path):
    model, _, film = trained(tmp_path, replace(RECIPE, losses="dense"))
    assert model.mixtures() == {}
    last = [line for line in film if line["kind"] == "watch"][-1]
    assert last["hard"] == []
    assert "image_to_text" in last


@pytest.mark.parametrize(
    ("losses", "on"),
    [
        ("limoe", {"importance", "load", "z", "local_text", "global_image", "global_text"}),
        ("classic", {"importance", "load", "z"}),
        ("none", set()),
        ("dense", set()),
        ("local", {"z", "local_image", "local_text"}),
        ("no-local-text", {"importance", "load", "z", "global_image", "global_text"}),
        ("no-global-text", {"importance", "load", "z", "local_text", "global_image"}),
    ],
)
def test_which_losses_a_recipe_counts(losses, on):
    weights = vars(Recipe(losses=losses, soft_text=3.0).weights())
    assert {n for n, value in weights.items() if value and not n.startswith("soft")} == on
    assert weights["soft_text"] == 3.0


def test_rates_warm_up_and_fall():
    recipe = Recipe(steps=1000)
    factors = [recipe.factor(step) for step in range(1000)]
    assert factors[0] == pytest.approx(1 / 50, rel=1e-3)
    assert max(factors) == pytest.approx(1, abs=0.01)
    assert factors[-1] == pytest.approx(0.01, abs=1e-3)


def test_a_bundle_is_a_model_like_any_other(tmp_path):
    import sample_data
    from workbench.gpu import registry
    from workbench.gpu.device import pick
    from workbench.gpu.gate import Gate
    from workbench.gpu.limoe import bundle

    merges = (sample_data.models_dir() / "glyph-clip" / "bpe_merges.txt.gz").read_bytes()
    recipe = replace(RECIPE, steps=1)
    model = new_model(recipe, 2014, 20)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / FILM).write_text("{}\n")
    folder = tmp_path / "bundle"
    bundle.export(folder, model, merges, clean="canonicalize", film=tmp_path / "out" / FILM)
    info = registry.describe("", str(folder), name="tiny")
    assert info.has_experts
    assert info.limoe["experts"] == 4
    assert info.dim == 16
    encoder, _ = registry.load(info, pick("cpu"), tmp_path, Gate())
    vectors = encoder.encode_texts(["a red apple", "a dog"])
    half = model.half().float().eval()
    with torch.inference_mode():
        expected = half.encode_text(encoder.tokenizer(["a red apple", "a dog"]), normalize=True)
    assert np.allclose(vectors, expected.numpy(), atol=1e-5)
    assert encoder.encode_images(np.zeros((2, 16, 16, 3), np.uint8)).shape == (2, 16)
