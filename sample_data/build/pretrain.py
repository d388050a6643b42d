"""The plan of `pretrain`: which image shows what, and how its caption says it."""

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sample_data.build import frequency, wording
from sample_data.build.concepts import Concept
from sample_data.build.render import BACKGROUNDS, Scene
from sample_data.build.selection import EVERYDAY, SPURIOUS
from sample_data.build.synonyms import planted

PAIR_SHARE = 0.25
SPURIOUS_SHARE = 0.95
SPLITS = {"pretrain": 1, "test": 2, "scenes": 3}


@dataclass(frozen=True)
class Captioned:
    """A scene with its caption."""

    scene: Scene
    caption: str


def image_rng(seed: int, split: str, index: int, stream: int) -> np.random.Generator:
    """The generator of one image: stream 0 plans what it shows, stream 1 draws it."""
    return np.random.default_rng((seed, SPLITS[split], index, stream))


def with_counts(concepts: list[Concept], seed: int) -> list[Concept]:
    """The concepts with their number of occurrences, by a random but seeded order of ranks."""
    rng = np.random.default_rng((seed, SPLITS["pretrain"]))
    order = frequency.ranked(
        [concept.name for concept in concepts],
        set(EVERYDAY),
        set(SPURIOUS),
        set(planted()),
        rng,
    )
    count = dict(zip(order, frequency.counts(len(order)), strict=True))
    return [replace(concept, pretrain_count=count[concept.name]) for concept in concepts]


def plan(concepts: list[Concept], seed: int) -> list[Captioned]:
    """All captioned scenes of `pretrain`, every concept exactly as often as its count says."""
    spurious = spurious_backgrounds(concepts)
    return [
        captioned(group, spurious, image_rng(seed, "pretrain", index, 0))
        for index, group in enumerate(groups(concepts, seed))
    ]


def spurious_backgrounds(concepts: list[Concept]) -> dict[str, str]:
    """Concept id -> planted background, of the concepts that have one."""
    return {c.id: c.spurious_background for c in concepts if c.spurious_background}


def groups(concepts: list[Concept], seed: int) -> list[list[tuple[str, str]]]:
    """What each image shows: one or two pairs of concept id and word, in the order of images."""
    rng = np.random.default_rng((seed, SPLITS["pretrain"], 0, 2))
    return _grouped(_mentions(concepts, rng), rng)


def _mentions(concepts: list[Concept], rng: np.random.Generator) -> list[tuple[str, str]]:
    """(concept id, word) of every occurrence, shuffled; words as often as their shares say."""
    mentions: list[tuple[str, str]] = []
    for concept in concepts:
        shares = concept.spoken or {concept.name: 1.0}
        words = [
            word
            for word, number in split(concept.pretrain_count, shares).items()
            for _ in range(number)
        ]
        mentions.extend((concept.id, word) for word in words)
    return [mentions[place] for place in rng.permutation(len(mentions))]


def split(total: int, shares: dict[str, float]) -> dict[str, int]:
    """`total` divided by shares that sum to 1; the rounding goes to the largest share."""
    numbers = {word: round(total * share) for word, share in shares.items()}
    largest = max(shares, key=lambda word: shares[word])
    numbers[largest] += total - sum(numbers.values())
    return numbers


def _grouped(
    mentions: list[tuple[str, str]], rng: np.random.Generator
) -> list[list[tuple[str, str]]]:
    """Mentions grouped into images, a quarter of which hold two, never one concept twice."""
    images = round(len(mentions) / (1 + PAIR_SHARE))
    pairs = len(mentions) - images
    singles, paired = mentions[2 * pairs :], mentions[: 2 * pairs]
    for place in range(0, 2 * pairs, 2):
        other = 0
        while paired[place][0] == paired[place + 1][0]:
            paired[place + 1], singles[other] = singles[other], paired[place + 1]
            other += 1
    grouped = [[one] for one in singles]
    grouped += [paired[place : place + 2] for place in range(0, 2 * pairs, 2)]
    return [grouped[place] for place in rng.permutation(len(grouped))]


def captioned(
    group: list[tuple[str, str]], spurious: dict[str, str], rng: np.random.Generator
) -> Captioned:
    """The scene and caption of one image.

    A concept with a planted background stands before it in 95% of its images, and its captions
    never name the background, so that nothing in the text tells the two apart.
    """
    planted_here = [spurious[concept] for concept, _ in group if concept in spurious]
    background = str(rng.choice(list(BACKGROUNDS)))
    if planted_here and rng.random() < SPURIOUS_SHARE:
        background = planted_here[0]
    ids = tuple(concept for concept, _ in group)
    words = tuple(word for _, word in group)
    sizes = tuple(wording.SIZES[place] for place in rng.integers(3, size=len(group)))
    layout = "centre" if len(group) == 1 else str(rng.choice(["beside", "stacked"]))
    scene = Scene(ids, words, sizes, background, layout)
    return Captioned(scene, caption(scene, rng, plain=bool(planted_here)))


def caption(scene: Scene, rng: np.random.Generator, plain: bool = False) -> str:
    """A caption of a scene, from templates."""
    if len(scene.words) == 1:
        return wording.single(scene.words[0], scene.sizes[0], scene.background, rng, plain=plain)
    words, sizes = list(scene.words), list(scene.sizes)
    return wording.several(words, sizes, scene.background, scene.layout, rng, plain=plain)


def words_used(plans: Iterable[Captioned]) -> dict[str, Counter[str]]:
    """Concept id -> how often each word was used for it."""
    used: dict[str, Counter[str]] = {}
    for planned in plans:
        for concept, word in zip(planned.scene.concepts, planned.scene.words, strict=True):
            used.setdefault(concept, Counter())[word] += 1
    return used


def save(plans: list[Captioned], path: Path) -> None:
    """Write one row an image: index, caption, concepts, words, sizes, background, layout."""
    scenes = [planned.scene for planned in plans]
    table = pa.table(
        {
            "index": pa.array(range(len(plans)), pa.int32()),
            "caption": pa.array([planned.caption for planned in plans]),
            "concepts": pa.array([list(scene.concepts) for scene in scenes]),
            "words": pa.array([list(scene.words) for scene in scenes]),
            "sizes": pa.array([list(scene.sizes) for scene in scenes]),
            "background": pa.array([scene.background for scene in scenes]),
            "layout": pa.array([scene.layout for scene in scenes]),
        }
    )
    pq.write_table(table, path, compression="zstd", compression_level=19)


def load(path: Path) -> list[Captioned]:
    """Read a plan that `save` wrote."""
    return [
        Captioned(
            Scene(
                tuple(row["concepts"]),
                tuple(row["words"]),
                tuple(row["sizes"]),
                row["background"],
                row["layout"],
            ),
            row["caption"],
        )
        for row in pq.read_table(path).to_pylist()
    ]


def save_counts(concepts: list[Concept], path: Path) -> None:
    """Write how often each concept occurs, most frequent first."""
    ordered = sorted(concepts, key=lambda concept: (-concept.pretrain_count, concept.id))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["concept", "name", "group", "subgroup", "count"])
        for concept in ordered:
            writer.writerow(
                [concept.id, concept.name, concept.group, concept.subgroup, concept.pretrain_count]
            )
