"""Command line: `python -m sample_data.build STEP`; the steps run in the order of the help."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import sample_data
from sample_data.build import (
    concepts,
    fingerprint,
    glyphs,
    pretrain,
    pretrain_images,
    scenes,
    test_set,
)
from sample_data.build.sources import NOTO_FONT, MissingSourceError, Sources

SEED = 1812


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sample_data.build", description=__doc__)
    sources = argparse.ArgumentParser(add_help=False)
    sources.add_argument("--noto", type=Path, default=NOTO_FONT, help="NotoColorEmoji.ttf")
    for package in ("twemoji", "openmoji", "emojibase"):
        sources.add_argument(
            f"--{package}", type=Path, required=True, help="unpacked npm package (its folder)"
        )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--seed", type=int, default=SEED)
    common.add_argument("--root", type=Path, default=sample_data.ROOT, help="what is committed")
    sprites = argparse.ArgumentParser(add_help=False)
    sprites.add_argument("--sprites", type=Path, required=True, help="folder of sprite zips")
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("sprites", parents=[common, sources, sprites], help="concepts and sprites")
    steps.add_parser("captions", parents=[common], help="captions and counts of pretrain")
    images = steps.add_parser(
        "pretrain-images", parents=[common, sprites], help="render pretrain to OUT/images.npy"
    )
    images.add_argument("--out", type=Path, required=True)
    images.add_argument("--record", action="store_true", help="make these pixels the recorded ones")
    images.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    steps.add_parser("test", parents=[common, sprites], help="shards and faults of test")
    steps.add_parser("scenes", parents=[common, sprites], help="shards of scenes")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one step; 0 when it is done, 2 when a source is missing."""
    arguments = _parser().parse_args(argv)
    try:
        _STEPS[arguments.step](arguments)
    except MissingSourceError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _sprites(arguments: argparse.Namespace) -> None:
    sources = Sources(arguments.noto, arguments.twemoji, arguments.openmoji, arguments.emojibase)
    sources.require()
    table = concepts.gather(sources)
    concepts.save(table, arguments.root / "concepts.json")
    arguments.sprites.mkdir(parents=True, exist_ok=True)
    hexcodes = {concept.id: concept.codepoint for concept in table}
    for style in glyphs.STYLES:
        glyphs.write_sprites(sources, hexcodes, style, arguments.sprites / f"{style}.zip")
    print(f"{len(table)} concepts")


def _captions(arguments: argparse.Namespace) -> None:
    path = arguments.root / "concepts.json"
    table = pretrain.with_counts(concepts.load(path), arguments.seed)
    plans = pretrain.plan(table, arguments.seed)
    used = pretrain.words_used(plans)
    table = [replace(c, pretrain_words=dict(used[c.id].most_common())) for c in table]
    concepts.save(table, path)
    folder = arguments.root / "pretrain"
    folder.mkdir(exist_ok=True)
    pretrain.save(plans, folder / "captions.parquet")
    pretrain.save_counts(table, folder / "counts.csv")
    print(f"{len(plans)} captions")


def _images(arguments: argparse.Namespace) -> None:
    folder, sprites = arguments.root / "pretrain", arguments.sprites / "noto.zip"
    path = pretrain_images.write(
        folder / "captions.parquet",
        sprites,
        arguments.out,
        seed=arguments.seed,
        processes=arguments.processes,
    )
    made = fingerprint.record(np.load(path, mmap_mode="r"), sprites)
    if arguments.record:
        fingerprint.save(made, folder / "fingerprint.json")
    expected = fingerprint.load(folder / "fingerprint.json")
    same = made["images"] == expected["images"]
    print(f"{path}: {'the same pixels as' if same else 'other pixels than'} the recorded ones")


def _test(arguments: argparse.Namespace) -> None:
    table = concepts.load(arguments.root / "concepts.json")
    sprites = {
        style: glyphs.read_sprites(arguments.sprites / f"{style}.zip") for style in glyphs.STYLES
    }
    items, faults = test_set.build(table, sprites, arguments.seed)
    test_set.save(items, faults, table, arguments.root / "test")
    print(f"{len(items)} images, {len(faults)} faults")


def _scenes(arguments: argparse.Namespace) -> None:
    table = concepts.load(arguments.root / "concepts.json")
    sprites = glyphs.read_sprites(arguments.sprites / "noto.zip")
    items = scenes.build(table, sprites, arguments.seed)
    scenes.save(items, arguments.root / "scenes")
    print(f"{len(items)} images")


_STEPS = {
    "sprites": _sprites,
    "captions": _captions,
    "pretrain-images": _images,
    "test": _test,
    "scenes": _scenes,
}

if __name__ == "__main__":
    sys.exit(main())
