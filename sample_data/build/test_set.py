"""The balanced `test` set: every concept in every style, with planted faults."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from sample_data.build import pretrain, shards, wording
from sample_data.build.concepts import Concept
from sample_data.build.glyphs import STYLES
from sample_data.build.render import BACKGROUNDS, Scene, render

SIDE = 96
QUALITY = 80
PER_SHARD = 1000
WRONG_LABELS = 0.02
NEAR_DUPLICATES = 0.01
# The images of one concept: its style, and how far its background is from that of the first.
SLOTS = (("noto", 0), ("noto", 3), ("noto", 6), *zip(STYLES[1:], (1, 4, 8), strict=True))


@dataclass(frozen=True)
class Drawn:
    """A test image before it is packed; `fault` is "", "wrong-label" or "near-duplicate"."""

    concept: Concept
    label: str
    style: str
    scene: Scene
    caption: str
    picture: Image.Image
    fault: str = ""
    original: int = -1  # place of the original of a near-duplicate in the list


def build(
    concepts: list[Concept], sprites: Mapping[str, Mapping[str, Image.Image]], seed: int
) -> tuple[list[shards.Item], list[dict[str, str]]]:
    """The items of the set in shuffled order, and the rows of the truth table of their faults."""
    rng = np.random.default_rng((seed, pretrain.SPLITS["test"]))
    drawn = _mislabelled(_drawn(concepts, sprites, seed, rng), concepts, rng)
    drawn += _duplicates(drawn, rng)
    order = rng.permutation(len(drawn))
    key_of = {int(place): f"{number:06d}" for number, place in enumerate(order)}
    items = [_item(key_of[int(place)], drawn[place]) for place in order]
    faults = [_fault(key_of, int(place), drawn[place]) for place in order if drawn[place].fault]
    return items, faults


def _drawn(
    concepts: list[Concept],
    sprites: Mapping[str, Mapping[str, Image.Image]],
    seed: int,
    rng: np.random.Generator,
) -> list[Drawn]:
    names = list(BACKGROUNDS)
    starts = rng.permutation(np.resize(np.arange(len(names)), len(concepts)))
    drawn = []
    for number, concept in enumerate(concepts):
        start = int(starts[number])
        if concept.spurious_background:  # in exactly one of its three noto images
            start = names.index(concept.spurious_background)
        for slot, (style, offset) in enumerate(SLOTS):
            index = number * len(SLOTS) + slot
            background = names[(start + offset) % len(names)]
            size = wording.SIZES[(number + slot) % 3]
            scene = Scene((concept.id,), (concept.name,), (size,), background, "centre")
            caption = pretrain.caption(scene, pretrain.image_rng(seed, "test", index, 0))
            picture = render(
                scene, sprites[style], SIDE, pretrain.image_rng(seed, "test", index, 1)
            )
            drawn.append(Drawn(concept, concept.name, style, scene, caption, picture))
    return drawn


def _mislabelled(
    drawn: list[Drawn], concepts: list[Concept], rng: np.random.Generator
) -> list[Drawn]:
    """The images with 2% of the labels wrong, every second of these within its subgroup."""
    chosen = rng.choice(len(drawn), round(WRONG_LABELS * len(drawn)), replace=False)
    changed = list(drawn)
    for number, place in enumerate(chosen):
        true = drawn[place].concept
        near = [c for c in concepts if c.subgroup == true.subgroup and c.id != true.id]
        others = near if number % 2 and near else [c for c in concepts if c.id != true.id]
        wrong = others[rng.integers(len(others))].name
        changed[place] = replace(drawn[place], label=wrong, fault="wrong-label")
    return changed


def _duplicates(drawn: list[Drawn], rng: np.random.Generator) -> list[Drawn]:
    """Copies of 1% of the images without another fault, cropped, resized, and re-lit a little."""
    clean = [place for place, item in enumerate(drawn) if not item.fault]
    chosen = rng.choice(clean, round(NEAR_DUPLICATES * len(drawn)), replace=False)
    copies = []
    for place in (int(one) for one in chosen):
        left, top, right, bottom = (int(margin) for margin in rng.integers(1, 4, size=4))
        box = (left, top, SIDE - right, SIDE - bottom)
        cropped = drawn[place].picture.crop(box)
        resized = cropped.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        relit = ImageEnhance.Brightness(resized).enhance(float(rng.uniform(0.92, 1.08)))
        copies.append(replace(drawn[place], picture=relit, fault="near-duplicate", original=place))
    return copies


def _item(key: str, drawn: Drawn) -> shards.Item:
    columns = {
        "concept": drawn.concept.name,
        "label": drawn.label,
        "style": drawn.style,
        "background": drawn.scene.background,
        "size": drawn.scene.sizes[0],
        "group": drawn.concept.group,
        "subgroup": drawn.concept.subgroup,
        "caption": drawn.caption,
    }
    quality = QUALITY - 5 if drawn.fault == "near-duplicate" else QUALITY
    return shards.Item(key, shards.encode(drawn.picture, quality), columns)


def _fault(key_of: dict[int, str], place: int, drawn: Drawn) -> dict[str, str]:
    return {
        "item": key_of[place],
        "shard": f"test-{int(key_of[place]) // PER_SHARD:06d}.tar",
        "kind": drawn.fault,
        "given": drawn.label,
        "true": drawn.concept.name,
        "original": key_of[drawn.original] if drawn.original >= 0 else "",
    }


def save(
    items: list[shards.Item], faults: list[dict[str, str]], concepts: list[Concept], folder: Path
) -> None:
    """Write the shards, faults.csv, and the two text files that CLIP_benchmark reads."""
    shards.write(items, folder, "test", PER_SHARD)
    with (folder / "faults.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(faults[0]))
        writer.writeheader()
        writer.writerows(faults)
    names = "".join(f"{concept.name}\n" for concept in concepts)
    (folder / "classnames.txt").write_text(names, encoding="utf-8")
    templates = "a photo of a {c}\n{c}\na picture of a {c}\n"
    templates += "".join(f"a photo of a {size} {{c}}\n" for size in wording.SIZES)
    templates += "".join(f"a {{c}} on {wording.article(name)} background\n" for name in BACKGROUNDS)
    (folder / "zeroshot_classification_templates.txt").write_text(templates, encoding="utf-8")
