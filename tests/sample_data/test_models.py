"""The two committed models: they load, they are small, and their figures can be had again."""

import json
import math

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

import sample_data
from sample_data.train import bundle, evaluate
from sample_data.train.losses import LOSSES

NAMES = ("glyph-clip", "glyph-siglip")
STYLES = {"noto", "twemoji", "openmoji", "openmoji-line"}


@pytest.fixture(scope="module")
def test_set() -> evaluate.TestSet:
    return evaluate.read_test()


@pytest.fixture(scope="module", params=NAMES)
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def loaded(name) -> bundle.Bundle:
    return bundle.load(sample_data.models_dir() / name)


def figures(name: str) -> dict:
    return json.loads((sample_data.models_dir() / name / "metrics.json").read_text("utf-8"))


def test_is_a_model_of_open_clip_with_few_bytes(name, loaded):
    folder = sample_data.models_dir() / name
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 6_500_000
    assert isinstance(loaded.model, open_clip.CLIP)
    assert 2_000_000 < sum(w.numel() for w in loaded.model.parameters()) < 4_000_000
    assert loaded.model.visual.image_size == (64, 64)


def test_only_the_sigmoid_model_has_a_bias():
    biases = [bundle.load(sample_data.models_dir() / name).model.logit_bias for name in NAMES]
    assert biases[0] is None
    assert float(biases[1].detach()) < 0
    assert "init_logit_bias" in LOSSES["siglip"].init


def test_vectors_are_finite_and_unit(loaded):
    pixels = loaded.preprocess(Image.new("L", (31, 200), 128)).unsqueeze(0)
    assert pixels.shape == (1, 3, 64, 64)
    with torch.inference_mode():
        image = loaded.model.encode_image(pixels, normalize=True)
    texts = bundle.unit_texts(loaded, ["", "a photo of a red apple.", "猫 " * 200])
    for vectors in (image, texts):
        assert torch.allclose(vectors.norm(dim=1), torch.ones(len(vectors)), atol=1e-5)
    assert math.isfinite(float(loaded.model.logit_scale.detach()))


def test_case_and_punctuation_do_not_matter(loaded):
    one, two = loaded.tokenizer(["a photo of a red apple.", "A photo of a RED apple"])
    assert torch.equal(one, two)


def test_loads_from_another_folder(name, tmp_path, monkeypatch):
    source = sample_data.models_dir() / name
    target = tmp_path / "elsewhere" / name
    target.mkdir(parents=True)
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    moved = bundle.load(target.relative_to(tmp_path))
    kept = bundle.load(source)
    words = ["a photo of a carrot"]
    assert torch.equal(bundle.unit_texts(moved, words), bundle.unit_texts(kept, words))


def test_the_published_figures_come_out_again(name, loaded, test_set):
    predicted = evaluate.predictions(loaded, test_set)
    published = figures(name)["top1"]
    assert set(published) == STYLES
    for style, bins in evaluate.accuracies(test_set, predicted).items():
        assert published[style] == pytest.approx(bins, abs=1e-3)


def test_the_long_tail_shows(name):
    photo = figures(name)["top1"]["noto"]
    assert photo["300-"] >= 0.80
    assert photo["all"] >= 0.40
    assert photo["0-3"] <= 0.06  # near zero; chance is 0.0013
    assert photo["0-3"] < photo["4-30"] < photo["31-299"] < photo["300-"]


def test_other_drawing_styles_are_harder(name):
    top1 = figures(name)["top1"]
    assert all(top1[style]["all"] < top1["noto"]["all"] for style in STYLES - {"noto"})
    assert all(top1[style]["300-"] < top1["noto"]["300-"] for style in STYLES - {"noto"})


def found_again(loaded, test_set, style: str) -> float:
    """Share of the concepts whose drawing in another style is among the first ten of 791."""
    styles, labels = np.array(test_set.styles), np.asarray(test_set.labels)
    drawings = []
    for wanted in ("noto", style):
        rows = np.flatnonzero(styles == wanted)
        _, first = np.unique(labels[rows], return_index=True)  # in the order of the concepts
        pixels = torch.stack([loaded.preprocess(test_set.images[row]) for row in rows[first]])
        with torch.inference_mode():
            drawings.append(loaded.model.encode_image(pixels, normalize=True).numpy())
    scores = drawings[0] @ drawings[1].T
    return float(np.mean((scores > scores.diagonal()[:, None]).sum(axis=1) < 10))


def test_an_image_finds_its_concept_in_another_style(loaded, test_set):
    chance = 10 / len(test_set.names)
    twemoji, openmoji = (found_again(loaded, test_set, s) for s in ("twemoji", "openmoji"))
    assert twemoji > 15 * chance
    assert twemoji > openmoji > 2 * chance  # lower with each step away from what was seen


def test_accuracy_of_a_worked_example():
    data = evaluate.TestSet(
        images=(),
        labels=torch.tensor([0, 0, 1, 1, 2]).numpy(),
        styles=("noto", "noto", "noto", "line", "line"),
        names=("bus", "fox", "kite"),
        counts=torch.tensor([500, 20, 2]).numpy(),
    )
    table = evaluate.accuracies(data, torch.tensor([0, 1, 1, 1, 0]).numpy())
    assert table["noto"] == {"all": 0.6667, "300-": 0.5, "4-30": 1.0}
    assert table["line"] == {"all": 0.5, "4-30": 1.0, "0-3": 0.0}
