"""What each router loss does, in small: the trends of the LIMoE paper on the sample world.

Trains one small model for each set of losses and each seed on the images and captions of the
sample's `test` set (96 held out), and prints, for the last mixture, on the held-out pairs:

- JSD in bits between p(expert | image) and p(expert | text), 0 to 1,
- effective experts of each modality, exp of the entropy of the first choices,
- local entropy of text in nats, of at most ln E = 2.08,
- the smallest share of tokens that found room, over layers, of images and of text,
- recall@1 image to text.

Expected directions: with the paper's losses text is decided (low local entropy), uses about
S_text = 2 experts and drops nothing; classic balancing leaves it undecided; without its local
entropy loss text stays undecided; without its global loss text collapses onto one expert and loses
tokens; local entropy alone drops most; priority routing keeps the tokens that the order of the
group would drop of text, which stands last. JSD says how far the modalities are apart.

    python benchmarks/bench_limoe.py [--steps N] [--seeds N] [--batch B] [--only LOSSES ...]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import default_rng

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

import sample_data  # noqa: E402
from sample_data.train.evaluate import members  # noqa: E402
from sample_data.train.limoe import MERGES  # noqa: E402
from workbench.gpu import bpe  # noqa: E402
from workbench.gpu.limoe.batches import crops, rows_of, whole  # noqa: E402
from workbench.gpu.limoe.recipe import Recipe  # noqa: E402
from workbench.gpu.limoe.training import FILM, new_model, train  # noqa: E402

HELD_OUT, CONTEXT = 96, 20
SMALL = Recipe(width=64, heads=2, patch_size=16, batch=64, patch_dropout=0.0)
"""16 patches an image, so text is about four in ten tokens."""

SETS: dict[str, Recipe] = {
    "limoe": replace(SMALL, losses="limoe"),
    "classic": replace(SMALL, losses="classic"),
    "none": replace(SMALL, losses="none"),
    "local only": replace(SMALL, losses="local"),
    "limoe without local text": replace(SMALL, losses="no-local-text"),
    "limoe without global text": replace(SMALL, losses="no-global-text"),
    "limoe, S_text 1": replace(SMALL, losses="limoe", soft_text=1.0),
    "limoe, S_text 4": replace(SMALL, losses="limoe", soft_text=4.0),
    "limoe, modality bias": replace(SMALL, losses="limoe", modality_bias=True),
    "classic, modality bias": replace(SMALL, losses="classic", modality_bias=True),
    "none, capacity 1": replace(SMALL, losses="none", capacity_factor=1.0),
    "none, capacity 1, in order": replace(
        SMALL, losses="none", capacity_factor=1.0, priority=False
    ),
}


@dataclass
class World:
    """The sample's test images and captions as pairs of a training."""

    pictures: np.ndarray
    tokens: torch.Tensor
    recipe: Recipe

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Pixels and tokens of a step."""
        rows = rows_of(self.recipe.seed, step, self.recipe.batch, len(self.pictures) - HELD_OUT)
        rng = default_rng((self.recipe.seed, 2, step))
        return crops([self.pictures[row] for row in rows], rng, 64), self.tokens[rows]

    def held_out(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Pixels and tokens of the pairs kept aside."""
        return whole(self.pictures[-HELD_OUT:], 64), self.tokens[-HELD_OUT:]


def read() -> tuple[np.ndarray, list[str]]:
    """Pictures uint8 (N, 96, 96, 3) and captions, in a fixed mixed order."""
    found = [item for shard in sample_data.test_shards() for item in members(shard)]
    mixed = default_rng(0).permutation(len(found))
    pictures = np.stack([np.asarray(found[row][1]) for row in mixed])
    return pictures, [found[row][0]["caption"] for row in mixed]


def bits(shares: np.ndarray) -> float:
    present = shares[shares > 0]
    return float(-(present * np.log2(present)).sum())


def figures(line: dict[str, Any]) -> list[float]:
    """The printed figures of one look at the held-out pairs."""
    hard = np.asarray(line["hard"][-1], dtype=float)
    shares = hard / hard.sum(axis=1, keepdims=True)
    jsd = bits(shares.mean(axis=0)) - (bits(shares[0]) + bits(shares[1])) / 2
    kept = np.asarray(line["kept"])
    return [
        jsd,
        2 ** bits(shares[0]),
        2 ** bits(shares[1]),
        line["local"][-1][1],
        float(kept[:, 0].min()),
        float(kept[:, 1].min()),
        line["image_to_text"],
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--steps", type=int, default=150)
    add("--seeds", type=int, default=3)
    add("--batch", type=int, default=64)
    add("--only", nargs="*", choices=SETS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    pictures, captions = read()
    tokenizer = bpe.load(MERGES, CONTEXT)
    tokens = tokenizer(captions)
    print(f"{options.steps} steps of {options.batch} pairs, E = 8, ln E = {math.log(8):.2f}")
    print(
        f"{'losses':<28}{'seed':>5}  JSD  eff.image eff.text local.text kept.image kept.text  R@1"
    )
    for name, recipe in SETS.items():
        if options.only and name not in options.only:
            continue
        for seed in range(options.seeds):
            mine = replace(
                recipe, seed=seed, steps=options.steps, batch=options.batch, watch=options.steps
            )
            model = new_model(mine, tokenizer.vocab_size, CONTEXT)
            with tempfile.TemporaryDirectory() as folder:
                train(model, World(pictures, tokens, mine), mine, Path(folder))
                film = (Path(folder) / FILM).read_text().splitlines()
            last = [line for line in map(json.loads, film) if line["kind"] == "watch"][-1]
            found = figures(last)
            print(f"{name:<28}{seed:>5}" + "".join(f"{value:10.2f}" for value in found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
