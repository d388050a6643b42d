"""Zero-shot accuracy of a bundle on the `test` set: by drawing style and by pretraining count."""

import csv
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import sample_data
from sample_data.train.bundle import Bundle, unit_texts

TEMPLATE = "a photo of a {}."
BINS = {"0-3": (0, 3), "4-30": (4, 30), "31-299": (31, 299), "300-": (300, 10**9)}
PHOTO_STYLE = "noto"


@dataclass(frozen=True)
class TestSet:
    """The test images of one folder of shards, with their true concepts.

    images: RGB pictures. labels: int64 (N,), index into `names`. styles: N names.
    names: C concept names; counts: int64 (C,), pretraining images that show each.
    """

    images: tuple[Image.Image, ...]
    labels: NDArray[np.int64]
    styles: tuple[str, ...]
    names: tuple[str, ...]
    counts: NDArray[np.int64]


def members(shard: Path) -> Iterator[tuple[dict[str, str], Image.Image]]:
    """The metadata and picture of every item of a WebDataset shard, in order."""
    with tarfile.open(shard) as tar:
        content = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}  # type: ignore[union-attr]
    for name in sorted(n for n in content if n.endswith(".json")):
        picture = Image.open(io.BytesIO(content[f"{name.removesuffix('.json')}.webp"]))
        yield json.loads(content[name]), picture.convert("RGB")


def read_test() -> TestSet:
    """The committed test set. `concept` is the truth, also where `label` was planted wrong."""
    with sample_data.pretrain_counts().open(encoding="utf-8", newline="") as file:
        counts = {row["name"]: int(row["count"]) for row in csv.DictReader(file)}
    names = sorted(counts)
    place = {name: index for index, name in enumerate(names)}
    items = [item for shard in sample_data.test_shards() for item in members(shard)]
    return TestSet(
        tuple(picture for _, picture in items),
        np.array([place[meta["concept"]] for meta, _ in items]),
        tuple(meta["style"] for meta, _ in items),
        tuple(names),
        np.array([counts[name] for name in names]),
    )


def predictions(bundle: Bundle, test: TestSet, template: str = TEMPLATE) -> NDArray[np.int64]:
    """For each test image the index of the concept whose prompt is nearest; int64 (N,)."""
    texts = unit_texts(bundle, [template.format(name) for name in test.names])
    found = []
    with torch.inference_mode():
        for start in range(0, len(test.images), 256):
            pixels = [bundle.preprocess(image) for image in test.images[start : start + 256]]
            vectors = bundle.model.encode_image(torch.stack(pixels), normalize=True)
            found.append((vectors @ texts.T).argmax(1).numpy())
    return np.concatenate(found)


def accuracies(test: TestSet, predicted: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Top-1 accuracy, 0 to 1, as {style: {bin: accuracy}}; the bin "all" counts every concept.

    A bin holds the images of the concepts whose pretraining count lies in it; an empty one is
    left out.
    """
    right, seen = predicted == test.labels, test.counts[test.labels]
    table: dict[str, dict[str, float]] = {}
    for style in sorted(set(test.styles)):
        here = np.array([s == style for s in test.styles])
        bins = {k: here & (seen >= low) & (seen <= high) for k, (low, high) in BINS.items()}
        chosen = {"all": here} | bins
        table[style] = {k: round(float(right[m].mean()), 4) for k, m in chosen.items() if m.any()}
    return table
