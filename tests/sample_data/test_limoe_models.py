"""The committed mixtures and their dense twin: what is said of them can be had again."""

import json
import tarfile
from functools import cache
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

import sample_data
from sample_data.train import evaluate
from workbench.experts.film import read_film
from workbench.experts.shares import divergence, modality_shares
from workbench.gpu import registry
from workbench.gpu.device import pick
from workbench.gpu.encoder import Encoder
from workbench.gpu.gate import Gate
from workbench.gpu.limoe.batches import whole
from workbench.gpu.limoe.training import FILM
from workbench.gpu.limoe.watch import watch

PAPER = ("glyph-limoe", "glyph-limoe-bias")
CLASSIC = ("glyph-limoe-classic", "glyph-limoe-classic-bias")
DENSE = "glyph-dense"
NAMES = (*PAPER, *CLASSIC, DENSE)


@cache
def encoder(name: str) -> Encoder:
    folder = sample_data.models_dir() / name
    info = registry.describe("", str(folder), name=name)
    return registry.load(info, pick("cpu"), folder, Gate())[0]


def figures(name: str) -> dict:
    return json.loads((sample_data.models_dir() / name / "metrics.json").read_text("utf-8"))


@cache
def scenes() -> tuple[torch.Tensor, list[str]]:
    """Pixels and first captions of the first 256 scenes."""
    pictures, captions = [], []
    with tarfile.open(sample_data.scenes_shards()[0]) as tar:
        content = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
    for name in sorted(n for n in content if n.endswith(".json"))[:256]:
        captions.append(json.loads(content[name])["captions"][0])
        picture = Image.open(BytesIO(content[f"{name.removesuffix('.json')}.webp"]))
        pictures.append(np.asarray(picture.convert("RGB")))
    return whole(np.stack(pictures), 64), captions


@cache
def seen(name: str) -> dict:
    """Routing of scenes, which none of the models ever saw, at the training's capacity."""
    pixels, captions = scenes()
    model = encoder(name)
    return watch(model.model, pixels, model.tokenizer(captions))


def bits(line: dict) -> np.ndarray:
    counts = np.asarray(line["hard"], dtype=float)  # (L, 2, E)
    return divergence(modality_shares(counts.transpose(0, 2, 1)))


def effective(line: dict) -> np.ndarray:
    counts = np.asarray(line["hard"], dtype=float)
    shares = counts / counts.sum(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(shares > 0, np.log(shares), 0)
    return np.exp(-(shares * logs).sum(axis=2))  # (L, 2)


@pytest.mark.parametrize("name", NAMES)
def test_has_few_bytes_and_says_how_it_was_trained(name):
    folder = sample_data.models_dir() / name
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 8_000_000
    recipe = figures(name)["training"]["recipe"]
    assert recipe["seed"] == 0
    assert recipe["modality_bias"] == name.endswith("-bias")
    assert recipe["losses"] == (
        "dense" if name == DENSE else "limoe" if name in PAPER else "classic"
    )
    assert recipe["steps"] == figures(name)["training"]["step"]
    found = encoder(name)
    assert found.info.has_experts == (name != DENSE)
    assert (
        sum(w.numel() for w in found.model.parameters()) == figures(name)["training"]["parameters"]
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_film_ends_where_the_figures_are(name):
    film = read_film(sample_data.models_dir() / name / FILM)
    last = figures(name)["held_out"]
    assert film.steps[0] == 0
    assert film.steps[-1] == last["step"] == figures(name)["training"]["step"]
    assert film.losses["contrastive"][-1] < film.losses["contrastive"][0] - 2


@pytest.mark.parametrize("name", NAMES)
def test_zero_shot_accuracy_can_be_had_again(name):
    test = evaluate.read_test()
    noto = [i for i, style in enumerate(test.styles) if style == "noto"][::4]
    found = encoder(name)
    texts = found.encode_texts([evaluate.TEMPLATE.format(each) for each in test.names])
    pixels = np.stack([found.preprocess(test.images[i]) for i in noto])
    images = np.concatenate(
        [found.encode_images(pixels[at : at + 128]) for at in range(0, len(noto), 128)]
    )
    right = (images @ texts.T).argmax(axis=1) == test.labels[noto]
    said = figures(name)["top1"]["noto"]["all"]
    assert right.mean() == pytest.approx(said, abs=0.06)  # a quarter of the images: 600
    counts = test.counts[test.labels[noto]]
    assert right[counts >= 300].mean() > right[counts <= 3].mean() + 0.3


def test_modalities_part_with_the_losses_of_the_paper_and_not_with_classic_balancing():
    paper, classic = bits(seen("glyph-limoe")), bits(seen("glyph-limoe-classic"))
    assert (paper > 0.4).all()
    assert (classic < 0.35).all()
    assert (paper > classic + 0.25).all()


def test_with_a_modality_bias_too():
    paper, classic = bits(seen("glyph-limoe-bias")), bits(seen("glyph-limoe-classic-bias"))
    assert (paper > classic + 0.25).all()


@pytest.mark.parametrize("name", PAPER)
def test_text_uses_about_two_experts_and_is_decided(name):
    line = seen(name)
    assert figures(name)["training"]["recipe"]["soft_text"] == 2
    assert (effective(line)[:, 1] < 3.5).all()  # scenes are longer than what was trained on
    classic = seen("glyph-limoe-classic" if name == "glyph-limoe" else "glyph-limoe-classic-bias")
    assert (effective(classic)[:, 1] > effective(line)[:, 1] + 1).all()
    text, other = np.asarray(line["local"])[:, 1], np.asarray(classic["local"])[:, 1]
    assert (text < 0.3).all()
    assert (other > 1.0).all()


@pytest.mark.parametrize("name", (*PAPER, *CLASSIC))
def test_nearly_every_token_finds_room(name):
    assert (np.asarray(seen(name)["kept"]) > 0.85).all()


def test_the_dense_twin_is_as_good_at_the_same_cost_a_token():
    for name in ("glyph-limoe", "glyph-limoe-classic"):
        ours, twin = figures(name), figures(DENSE)
        for key in ("width", "layers", "heads", "steps", "batch"):
            assert ours["training"]["recipe"][key] == twin["training"]["recipe"][key]
        assert abs(ours["top1"]["noto"]["all"] - twin["top1"]["noto"]["all"]) < 0.1
