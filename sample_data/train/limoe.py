"""`python -m sample_data.train.limoe`: train one of the mixtures, or its dense twin."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.random import default_rng
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from torch import Tensor

import sample_data
from sample_data.train import architecture, evaluate
from sample_data.train import bundle as loaded
from sample_data.train.batches import Pairs as Rendered
from sample_data.train.batches import open_images
from workbench.errors import WorkbenchError
from workbench.gpu import bpe
from workbench.gpu.files import replace
from workbench.gpu.limoe import bundle
from workbench.gpu.limoe.batches import MEAN, STD, crops, rows_of, whole
from workbench.gpu.limoe.model import Limoe
from workbench.gpu.limoe.recipe import LOSSES, Recipe
from workbench.gpu.limoe.training import FILM, new_model, train
from workbench.params import describe

MERGES = sample_data.models_dir() / "glyph-clip" / "bpe_merges.txt.gz"
"""Every model of the sample world has the same words."""

HELD_OUT = 512
"""Pairs that are never trained on."""


@dataclass(frozen=True)
class Pairs:
    """The pretraining pairs of the sample world, the last ones of a fixed order held out."""

    rendered: Rendered
    recipe: Recipe

    def __post_init__(self) -> None:
        mixed = default_rng(1812).permutation(len(self.rendered))
        object.__setattr__(self, "_train", mixed[:-HELD_OUT])
        object.__setattr__(self, "_held", np.sort(mixed[-HELD_OUT:]))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Batch number `step`; the same recipe and step give the same tensors."""
        rows = self._train[rows_of(self.recipe.seed, step, self.recipe.batch, len(self._train))]  # type: ignore[attr-defined]
        rng = default_rng((self.recipe.seed, 2, step))
        pictures = [self.rendered.images[row] for row in rows]
        return crops(pictures, rng, self.recipe.image_size), self.rendered.tokens[rows]

    def held_out(self) -> tuple[Tensor, Tensor]:
        """The pairs kept aside."""
        rows = self._held  # type: ignore[attr-defined]
        pictures = np.stack([self.rendered.images[row] for row in rows])
        return whole(pictures, self.recipe.image_size), self.rendered.tokens[rows]


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options: where to, and everything that a recipe declares."""
    parser = argparse.ArgumentParser(prog="python -m sample_data.train.limoe", description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="folder with images.npy")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and bundle")
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    for each in describe(Recipe):
        flag = f"--{each.name.replace('_', '-')}"
        if isinstance(each.default, bool):
            action = argparse.BooleanOptionalAction
            parser.add_argument(flag, action=action, default=each.default, help=each.help)
        else:
            kind = type(each.default)
            choices = LOSSES if each.choices else None
            parser.add_argument(
                flag, type=kind, default=each.default, choices=choices, help=each.help
            )
    return parser.parse_args(argv)


def run(options: argparse.Namespace) -> Path:
    """Train to the end, write the bundle to OUT/bundle, evaluate it, and return its folder."""
    texts = pq.read_table(sample_data.pretrain_captions(), columns=["caption"])
    captions = texts["caption"].to_pylist()
    recipe = Recipe(**{each.name: getattr(options, each.name) for each in fields(Recipe)})
    tokenizer = bpe.load(MERGES, architecture.CONTEXT_LENGTH)
    rendered = Rendered(open_images(options.images, len(captions)), tokenizer(captions))
    model = new_model(recipe, tokenizer.vocab_size, architecture.CONTEXT_LENGTH)
    progress = train(model, Pairs(rendered, recipe), recipe, options.out)
    folder: Path = options.out / "bundle"
    bundle.export(folder, model, MERGES.read_bytes(), clean=bpe.CLEAN, film=options.out / FILM)
    report(folder, model, tokenizer, dict(progress))
    return folder


def report(
    folder: Path, model: Limoe, tokenizer: SimpleTokenizer, progress: dict[str, object]
) -> None:
    """Zero-shot accuracy on `test`, and what the training says of itself, in metrics.json."""
    model.eval()
    test = evaluate.read_test()
    model.half().float()  # as it is committed
    found = loaded.Bundle(model, _look(model.config.image_size), tokenizer)
    top1 = evaluate.accuracies(test, evaluate.predictions(found, test))
    lines = [json.loads(line) for line in (folder / FILM).read_text("utf-8").splitlines()]
    last = [line for line in lines if line["kind"] == "watch"][-1]
    parameters = sum(weight.numel() for weight in model.parameters())
    figures = {
        "template": evaluate.TEMPLATE,
        "top1": top1,
        "held_out": last,
        "training": progress | {"parameters": parameters, "threads": torch.get_num_threads()},
    }
    replace(folder / "metrics.json", json.dumps(figures, indent=2).encode() + b"\n")
    print(json.dumps(figures, indent=2))


def _look(size: int) -> Callable[[Image.Image], Tensor]:
    """open_clip's preprocessing for these models."""
    from open_clip.transform import image_transform

    found: Callable[[Image.Image], Tensor] = image_transform(
        size, is_train=False, mean=MEAN, std=STD, resize_mode="shortest", interpolation="bicubic"
    )
    return found


def main() -> int:
    """Run the command; a foreseen error is one line on stderr and exit code 2."""
    options = arguments()
    torch.set_num_threads(options.threads)
    try:
        print(run(options))
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
