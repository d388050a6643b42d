"""A small workspace made through the store directly: 96 coloured shapes whose vectors are known."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from workbench.api import Workbench, open_workspace
from workbench.types import Floats, ModelInfo, Source, WorkerInfo

COLOURS = {"red": "#d33", "green": "#3a3", "blue": "#36c", "yellow": "#ec3"}
SHAPES = ("disc", "square", "cross")
NASTY = (
    "<script>window.hacked = 1</script> <img src=x onerror='window.hacked = 1'>",
    "**bold** $x^2$ :material/home: :red[red] [link](javascript:alert(1)) `code`",
    ":smile: # heading | <b>html</b> &lt; &amp; ~~gone~~ _it_",
)
"""Captions that must show as they are written."""

ODD = "*odd* :red[x] <b>"
"""A column name that must show as it is written."""

DIM = 16
EACH = 8


def model(name: str) -> ModelInfo:
    """A model that exists in the catalog only; tests encode with ``encode``."""
    return ModelInfo(
        key=hashlib.blake2b(name.encode(), digest_size=6).hexdigest(),
        name=name,
        arch="tiny",
        weights=f"random:{len(name)}",
        weights_sha256="",
        dim=DIM,
        context_length=32,
        image_size=(64, 64),
        preprocess={"size": [64, 64], "mean": [0.5], "std": [0.5]},
        tokenizer={"kind": "words"},
        precision="fp32",
        logit_scale=100.0,
        logit_bias=None,
        parameters=1_234_567,
    )


def worker(device: str = "cpu", *, gpu_present: bool = False) -> WorkerInfo:
    """A worker that is alive."""
    now = time.time()
    return WorkerInfo(
        id="w",
        pid=1,
        host="here",
        address="grpc://127.0.0.1:1",
        token="t",
        device=device,
        precision="fp32",
        gpu_present=gpu_present,
        memory_used=10**9,
        memory_total=8 * 10**9,
        job=None,
        models=("alpha",),
        started=now,
        heartbeat=now,
    )


def axis(word: str) -> int | None:
    """The axis of the vector space that a word stands for."""
    words = [*COLOURS, *SHAPES]
    return words.index(word) if word in words else None


def encode(text: str) -> Floats:
    """A unit vector (16,) with one axis for each known word of the text, and a little noise."""
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
    vector = np.random.default_rng(seed).normal(0, 0.04, DIM)
    for word in text.lower().split():
        if (found := axis(word)) is not None:
            vector[found] += 1.0
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def draw(colour: str, shape: str, nth: int) -> bytes:
    """A PNG of one shape; ``nth`` moves it."""
    image = Image.new("RGB", (96, 96 + nth), "#f4f1ea")
    pen, box = ImageDraw.Draw(image), (14 + nth, 16, 74 + nth, 76)
    if shape == "disc":
        pen.ellipse(box, fill=COLOURS[colour])
    elif shape == "square":
        pen.rectangle(box, fill=COLOURS[colour])
    else:
        pen.line(box, fill=COLOURS[colour], width=14)
        pen.line((box[0], box[3], box[2], box[1]), fill=COLOURS[colour], width=14)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def build(root: Path, models: Sequence[str] = ("alpha", "beta")) -> Workbench:
    """Make the workspace: dataset ``shapes`` with captions, and ``plain`` without vectors."""
    bench = open_workspace(root)
    bench.set_setting("sample", "removed")
    fill(bench, models)
    return bench


def fill(bench: Workbench, models: Sequence[str] = ("alpha", "beta")) -> None:
    """Put both datasets and their vectors into a workspace that may hold others."""
    things = [(c, s, n) for c in COLOURS for s in SHAPES for n in range(EACH)]
    pictures = [draw(*thing) for thing in things]
    _fill(bench, "shapes", things, pictures)
    _fill(bench, "plain", things[:10], pictures[:10], captions=False)
    for name in models:
        _embed(bench, name, things)


def _fill(
    bench: Workbench,
    dataset: str,
    things: Sequence[tuple[str, str, int]],
    pictures: Sequence[bytes],
    *,
    captions: bool = True,
) -> None:
    tables, catalog = bench.workspace.tables, bench.workspace.catalog
    catalog.ensure_dataset(dataset, importer="folder", source="/data/shapes", info={})
    sources = tables.put_blob(dataset, pictures)
    texts = [caption(*thing) for thing in things] if captions else []
    tables.append(
        dataset,
        _items(things, pictures, sources),
        pa.table({"item_index": list(range(len(texts))), "text": pa.array(texts, pa.string())}),
        skipped=[("broken.png", "not an image"), ("<b>evil</b>.png", "an empty file")],
    )


def _items(
    things: Sequence[tuple[str, str, int]], pictures: Sequence[bytes], sources: Sequence[Source]
) -> pa.Table:
    return pa.table(
        {
            "item": [f"{c}-{s}-{n}.png" for c, s, n in things],
            "uri": [source.uri for source in sources],
            "offset": [source.offset for source in sources],
            "length": [source.length for source in sources],
            "width": [96] * len(things),
            "height": [96 + n for _, _, n in things],
            "format": ["PNG"] * len(things),
            "bytes": [len(picture) for picture in pictures],
            "digest": [hashlib.blake2b(p, digest_size=16).hexdigest() for p in pictures],
            "label": [shape for _, shape, _ in things],
            "colour": [colour for colour, _, _ in things],
            "weight": [0.5 * nth if nth % 3 else None for nth in range(len(things))],
            "nth": [n for _, _, n in things],
            "round": [shape == "disc" for _, shape, _ in things],
            ODD: [NASTY[nth] if nth < len(NASTY) else None for nth in range(len(things))],
            "words": [[colour, shape] for colour, shape, _ in things],
        }
    )


def caption(colour: str, shape: str, nth: int) -> str:
    """The caption of an item: words for most, something nasty for the first three."""
    if (colour, shape) == ("red", "disc") and nth < len(NASTY):
        return NASTY[nth]
    return f"a {colour} {shape} number {nth}"


def _embed(bench: Workbench, name: str, things: Sequence[tuple[str, str, int]]) -> None:
    info = model(name)
    bench.workspace.catalog.add_model(info)
    pictures = np.stack([encode(f"{c} {s} picture {n} {name}") for c, s, n in things])
    texts = np.stack([encode(f"{c} {s} words {n} {name}") for c, s, n in things])
    bench.workspace.vectors.write("shapes", info.key, "image", 0, pictures.astype(np.float16))
    bench.workspace.vectors.write("shapes", info.key, "caption", 0, texts.astype(np.float16))
