"""What recording the routing of a LIMoE costs over the plain forward pass.

Batches of 64 pairs (64 x 64 pixels, captions of 11 words) pass the tiny LIMoE with random weights,
or a bundle, in turns: the forward pass alone; with the routing brought to the host as arrays; and
with everything a recording does: arrays, sums, and tokens written as Parquet with all they hold.
Once with the pixels ready, and once with the decoding of PNG files, which both need. One thread;
processor time, so that other work on the machine counts less. The limit is 1.15 times the forward
pass for the whole recording, with the pixels ready.

    python benchmarks/bench_recording.py [--model FOLDER] [--batches N] [--turns T] [--strict]
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from store.parts import write_parquet  # noqa: E402
from tests.worker.routing_world import bundle  # noqa: E402
from workbench.experts.accumulate import Accumulator  # noqa: E402
from workbench.experts.tokens import Tokens  # noqa: E402
from workbench.gpu import registry  # noqa: E402
from workbench.gpu.device import Device  # noqa: E402
from workbench.gpu.encoder import Encoder  # noqa: E402
from workbench.gpu.gate import Gate  # noqa: E402
from workbench.gpu.limoe.config import LimoeConfig  # noqa: E402
from workbench.gpu.record_routing import Input, Recorder  # noqa: E402
from workbench.worker.routing_tables import tokens_table  # noqa: E402

LIMIT, PAIRS = 1.15, 64
SYLLABLES = ("ap", "ple", "red", "plum", "and", "of", "more", "a")

Batch = Sequence[tuple[int, bytes, str]]


def batches(count: int) -> list[Batch]:
    """Pictures as PNG files, and captions."""
    rng, made = np.random.default_rng(0), []
    for number in range(count):
        batch = []
        for row in range(PAIRS):
            coarse = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            buffer = io.BytesIO()
            Image.fromarray(coarse).resize((64, 64)).save(buffer, "PNG")
            text = " ".join(rng.choice(SYLLABLES, 11))
            batch.append((number * PAIRS + row, buffer.getvalue(), text))
        made.append(batch)
    return made


def encoder_of(folder: str | None, made: Path) -> Encoder:
    """The bundle's encoder, or one of random weights."""
    config = LimoeConfig(vocab_size=520)
    path = Path(folder) if folder else bundle(made / "limoe", config)
    device = Device("cpu", "cpu")
    info = registry.describe("", str(path), name="limoe", device=device)
    return registry.load(info, device, path, Gate())[0]


def decoded(encoder: Encoder, batch: Batch) -> list[Input]:
    """What both ways are given."""
    return [Input(row, encoder.preprocess.decode(data), text) for row, data, text in batch]


def forward(encoder: Encoder, factor: float, inputs: Sequence[Input]) -> None:
    """Images and texts to vectors, nothing kept."""
    with torch.inference_mode(), encoder.casting():
        stacked = torch.from_numpy(np.stack([each.pixels for each in inputs]))
        pixels = encoder.preprocess.normalise(encoder.sent(stacked))
        tokens = encoder.sent(encoder.tokenizer([each.text for each in inputs]))
        encoder.model(pixels, tokens, factor)


def whole(recorder: Recorder, given: Sequence[Sequence[Input]], path: Path) -> int:
    """A shard of a recording, as the job makes it."""
    config = recorder.model.config
    parts = [recorder.record(inputs) for inputs in given]
    tokens = Tokens.joined([part for part in parts if part is not None])
    write_parquet(tokens_table(tokens), path)
    Accumulator(recorder.layers, config.experts, config.top_k).add(tokens)
    return len(tokens)


def taken(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--strict", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        encoder = encoder_of(args.model, Path(folder))
        factor = encoder.model.config.capacity_factor
        recorder, path = Recorder(encoder, factor), Path(folder) / "tokens.parquet"
        files = batches(args.batches)
        ready = [decoded(encoder, batch) for batch in files]
        tokens = whole(recorder, ready, path)
        ways: dict[str, Callable[[], object]] = {
            "forward": lambda: [forward(encoder, factor, each) for each in ready],
            "arrays": lambda: [recorder.record(each) for each in ready],
            "recording": lambda: whole(recorder, ready, path),
            "decoding": lambda: [decoded(encoder, batch) for batch in files],
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(args.turns):
            for name, work in ways.items():
                seconds[name].append(taken(work))
        size = path.stat().st_size / tokens
    return told(seconds, args.batches * PAIRS, tokens, size, strict=args.strict)


def told(
    seconds: dict[str, list[float]], pairs: int, tokens: int, size: float, *, strict: bool
) -> int:
    """Print medians and ratios; 1 when the limit is passed and that matters."""
    middle = {name: statistics.median(found) for name, found in seconds.items()}
    for name, found in middle.items():
        print(
            f"{name:10} {1000 * found / pairs:7.3f} ms a pair   {pairs / found:8.0f} pairs a second"
        )
    ratios = {
        name: statistics.median(
            a / b for a, b in zip(seconds[name], seconds["forward"], strict=True)
        )
        for name in ("arrays", "recording")
    }
    both = (middle["recording"] + middle["decoding"]) / (middle["forward"] + middle["decoding"])
    print(f"arrays / forward                       {ratios['arrays']:.3f}")
    print(f"recording / forward, pixels ready      {ratios['recording']:.3f}   (limit {LIMIT})")
    print(f"recording / forward, with the decoding {both:.3f}")
    print(
        f"{tokens / middle['recording'] * 60 / 1e6:.2f} million tokens a minute and core, "
        f"{size:.1f} bytes a token"
    )
    return int(strict and ratios["recording"] > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
