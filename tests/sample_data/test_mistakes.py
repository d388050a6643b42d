"""What a review finds in the sample world, where it is known what is wrong."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sample_data
from sample_data.train import bundle
from workbench.measures.confident import label_issues
from workbench.measures.out_of_vocabulary import best_outside
from workbench.measures.slices import embedding_slices

STYLE = "noto"
"""The one style that the models saw in training."""


@dataclass(frozen=True)
class World:
    """The 2,399 images of the style, with unit vectors and class logits of glyph-clip."""

    items: list[str]
    records: list[dict[str, Any]]
    names: list[str]
    images: np.ndarray
    texts: np.ndarray
    scale: float
    model: bundle.Bundle

    def places(self, key: str) -> np.ndarray:
        """Classes by a field of the records: ``label`` or ``concept``."""
        place = {name: number for number, name in enumerate(self.names)}
        return np.array([place[record[key]] for record in self.records])

    def words(self, texts: list[str]) -> np.ndarray:
        return np.asarray(bundle.unit_texts(self.model, texts), dtype=np.float32)


@pytest.fixture(scope="module")
def world() -> World:
    loaded = bundle.load(sample_data.models_dir() / "glyph-clip")
    items, records, vectors = [], [], []
    for shard in sample_data.test_shards():
        pictures = []
        with tarfile.open(shard) as tar:
            content = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
        for name in sorted(n for n in content if n.endswith(".json")):
            record = json.loads(content[name])
            if record["style"] == STYLE:
                item = name.removesuffix(".json")
                items.append(item)
                records.append(record)
                pictures.append(Image.open(io.BytesIO(content[f"{item}.webp"])).convert("RGB"))
        with torch.inference_mode():
            pixels = torch.stack([loaded.preprocess(picture) for picture in pictures])
            vectors.append(loaded.model.encode_image(pixels, normalize=True).numpy())
    names = sorted({record["concept"] for record in records})
    texts = np.asarray(bundle.unit_texts(loaded, [f"a photo of a {name}." for name in names]))
    scale = float(loaded.model.logit_scale.detach().exp())
    return World(items, records, names, np.concatenate(vectors), texts, scale, loaded)


@pytest.fixture(scope="module")
def planted() -> dict[str, str]:
    """Concept -> the background that it nearly always had in training."""
    concepts = json.loads(sample_data.concepts_file().read_text("utf-8"))
    found = {c["name"]: c["spurious_background"] for c in concepts if c["spurious_background"]}
    assert len(found) == 12
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_first_groups_of_mistakes_name_a_planted_concept_and_its_background(
    world, planted, seed
):
    truth = world.places("concept")
    predicted = (world.images @ world.texts.T).argmax(axis=1)
    groups = {
        name: [record[name] for record in world.records] for name in ("background", "size", "group")
    }
    values = sorted({value for each in groups.values() for value in each})
    words = [*world.names, *values]
    first = embedding_slices(
        world.images,
        np.flatnonzero(truth != predicted),
        groups,
        words,
        world.words(words),
        truth=truth,
        seed=seed,
    )[:3]
    shown = []
    for found in first:
        top = found.excesses[0]
        assert top.column == "background" and top.inside > 0.95 * top.part
        shown += [w for w, _ in found.words if planted.get(w) == top.value]
    assert len(shown) >= 2, [found.words for found in first]


def test_planted_wrong_labels_are_found_and_clear_cases_are_the_best_choice(world):
    labels = world.places("label")
    logits = world.scale * world.images @ world.texts.T
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    found = label_issues(lambda: [(0, probabilities)], labels, len(world.names))
    with sample_data.faults_file().open(encoding="utf-8", newline="") as file:
        faults = {r["item"] for r in csv.DictReader(file) if r["kind"] == "wrong-label"}
    wrong = np.array([item in faults for item in world.items])
    scores = {}
    for rule in ("clear", "by_rate", "by_joint"):
        flagged = found.places[getattr(found, rule)]
        precision, recall = wrong[flagged].mean(), wrong[flagged].sum() / wrong.sum()
        scores[rule] = 2 * precision * recall / (precision + recall)
        assert recall > (0.8 if rule == "clear" else 0.95) and precision > 2.5 * wrong.mean()
    assert scores["clear"] > 3 * scores["by_rate"] > 3 * scores["by_joint"]
    assert wrong[found.places[: wrong.sum()]].mean() > 0.6


def test_concepts_outside_the_classes_are_told_from_mistakes_inside(world):
    truth = world.places("concept")
    kept = np.random.default_rng(0).permutation(len(world.names)) < len(world.names) // 2
    inside = kept[truth]
    classes = np.flatnonzero(kept)
    mistaken = inside & (classes[(world.images @ world.texts[kept].T).argmax(axis=1)] != truth)
    found = best_outside(world.images, world.texts[kept], world.texts[~kept])
    beyond = found.beyond(world.scale)
    assert beyond[~inside].mean() > 0.25
    assert beyond[mistaken].mean() < 0.12
    right = np.flatnonzero(~kept)[found.word] == truth
    assert right[~inside & beyond].mean() > 0.8
