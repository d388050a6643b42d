"""The `scenes` set: images of two or three concepts with two captions each, for retrieval."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from sample_data.build import pretrain, shards, wording
from sample_data.build.concepts import Concept
from sample_data.build.render import BACKGROUNDS, Scene, render

IMAGES = 1000
SIDE = 128
QUALITY = 78
PER_SHARD = 500
TRIOS = 0.4
FAMILIAR = 100  # four in five concepts of a scene occur in `pretrain` at least so often


def build(
    concepts: list[Concept], sprites: Mapping[str, Image.Image], seed: int
) -> list[shards.Item]:
    """The items of the set; no two show the same concepts, no two captions are the same."""
    rng = np.random.default_rng((seed, pretrain.SPLITS["scenes"]))
    items: list[shards.Item] = []
    seen: set[frozenset[str]] = set()
    while len(items) < IMAGES:
        chosen = _chosen(concepts, rng)
        names = frozenset(concept.name for concept in chosen)
        if len(names) == len(chosen) and names not in seen:
            seen.add(names)
            items.append(_item(len(items), chosen, sprites, seed))
    return items


def _chosen(concepts: list[Concept], rng: np.random.Generator) -> list[Concept]:
    familiar = [concept for concept in concepts if concept.pretrain_count >= FAMILIAR]
    pools = [
        familiar if rng.random() < 0.8 else concepts
        for _ in range(3 if rng.random() < TRIOS else 2)
    ]
    return [pool[rng.integers(len(pool))] for pool in pools]


def _item(
    index: int, chosen: list[Concept], sprites: Mapping[str, Image.Image], seed: int
) -> shards.Item:
    rng = pretrain.image_rng(seed, "scenes", index, 0)
    layout = "triangle" if len(chosen) == 3 else str(rng.choice(["beside", "stacked"]))
    scene = Scene(
        tuple(concept.id for concept in chosen),
        tuple(concept.name for concept in chosen),
        tuple(wording.SIZES[place] for place in rng.integers(3, size=len(chosen))),
        str(rng.choice(list(BACKGROUNDS))),
        layout,
    )
    picture = render(scene, sprites, SIDE, pretrain.image_rng(seed, "scenes", index, 1))
    columns = {
        "captions": [
            wording.located(scene.words, scene.background, layout, rng),
            _other(chosen, scene, rng),
        ],
        "concepts": list(scene.words),
        "sizes": list(scene.sizes),
        "background": scene.background,
        "layout": layout,
        "style": "noto",
    }
    return shards.Item(f"{index:06d}", shards.encode(picture, QUALITY), columns)


def _other(chosen: list[Concept], scene: Scene, rng: np.random.Generator) -> str:
    """A second caption: sizes, another order, and words as they are spoken in `pretrain`."""
    words = []
    for concept in chosen:
        shares = concept.spoken or {concept.name: 1.0}
        words.append(str(rng.choice(list(shares), p=list(shares.values()))))
    order = [int(place) for place in rng.permutation(len(words))]
    return wording.listed(
        [words[place] for place in order], [scene.sizes[place] for place in order]
    )


def save(items: list[shards.Item], folder: Path) -> None:
    """Write the shards."""
    shards.write(items, folder, "scenes", PER_SHARD)
