"""`python -m sample_data.train`: train one of the two small models, or evaluate a bundle."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import torch

import sample_data
from sample_data.train import architecture, bundle, evaluate
from sample_data.train.batches import Pairs, open_images
from sample_data.train.loop import Settings, train
from workbench.errors import WorkbenchError
from workbench.gpu import bpe
from workbench.gpu.files import replace
from workbench.gpu.training_state import Progress

MERGES = 1500


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options, with what they mean."""
    parser = argparse.ArgumentParser(prog="python -m sample_data.train", description=__doc__)
    add = parser.add_argument
    add("--model", choices=("clip", "siglip"), help="the loss: softmax (clip) or sigmoid (siglip)")
    add("--images", type=Path, help="folder with images.npy, see python -m sample_data.build")
    add("--out", type=Path, help="folder for checkpoint, log and bundle; run again to go on")
    add("--minutes", type=float, default=45.0, help="length of the training by the clock")
    add("--steps", type=int, default=0, help="length in steps instead, which can be repeated")
    add("--seed", type=int, default=0, help="decides weights, order of the pairs and crops")
    add("--batch", type=int, default=256, help="pairs a step")
    add("--rate", type=float, default=1.0, help="factor on all learning rates")
    add("--threads", type=int, default=2, help="processor threads")
    add("--evaluate", type=Path, metavar="BUNDLE", help="only evaluate this bundle on `test`")
    options = parser.parse_args(argv)
    if not options.evaluate and not (options.model and options.images and options.out):
        parser.error("--model, --images and --out are needed, or --evaluate BUNDLE")
    return options


def run(options: argparse.Namespace) -> Path:
    """Train to the end, write the bundle to OUT/bundle, and return its folder."""
    captions = pq.read_table(sample_data.pretrain_captions(), columns=["caption"])
    texts = captions["caption"].to_pylist()
    merges = options.out / bundle.MERGES
    if not merges.is_file():
        bpe.write(merges, bpe.learn(texts, MERGES))
    tokenizer = bpe.load(merges, architecture.CONTEXT_LENGTH)
    pairs = Pairs(open_images(options.images, len(texts)), tokenizer(texts))
    config = architecture.model_config(options.model, tokenizer.vocab_size)
    model = architecture.build(config, options.seed)
    names = ("seed", "batch", "rate", "steps", "minutes")
    settings = Settings(options.model, **{name: getattr(options, name) for name in names})
    progress = train(model, pairs, settings, options.out)
    folder: Path = options.out / "bundle"
    bundle.export(folder, model, config, merges.read_bytes())
    report(folder, progress, architecture.parameters(model))
    return folder


def report(folder: Path, progress: Progress | None = None, parameters: int = 0) -> None:
    """Evaluate a bundle, print the figures, and write them with the training's to metrics.json."""
    loaded, test = bundle.load(folder), evaluate.read_test()
    began = time.monotonic()
    top1 = evaluate.accuracies(test, evaluate.predictions(loaded, test))
    rate = round(len(test.images) / (time.monotonic() - began), 1)
    figures: dict[str, object] = {"template": evaluate.TEMPLATE, "top1": top1}
    if progress:
        samples = int(progress["step"]) * int(progress["settings"]["batch"])
        training = {
            **progress["settings"],
            "steps": progress["step"],
            "samples": samples,
            "minutes": round(progress["seconds"] / 60, 1),
            "samples_per_second": round(samples / progress["seconds"], 1),
            "parameters": parameters,
            "threads": torch.get_num_threads(),
        }
        figures |= {"training": training}
        replace(folder / "metrics.json", json.dumps(figures, indent=2).encode() + b"\n")
    print(json.dumps(figures | {"images_per_second": rate}, indent=2))


def main() -> int:
    """Run the command; a foreseen error is one line on stderr and exit code 2."""
    options = arguments()
    torch.set_num_threads(options.threads)
    try:
        if options.evaluate:
            report(options.evaluate)
        else:
            print(run(options))
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
