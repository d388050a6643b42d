"""A small world with vectors that were written down by hand, so that rankings are known."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pyarrow as pa
from PIL import Image

from workbench.api import Workbench
from workbench.types import ModelInfo

MODEL = ModelInfo(
    key="aaaa1111",
    name="toy",
    arch="toy",
    weights="random:0",
    weights_sha256="",
    dim=3,
    context_length=8,
    image_size=(8, 8),
    preprocess={},
    tokenizer={},
    precision="fp32",
    logit_scale=10.0,
    logit_bias=None,
    parameters=1,
)

# item, style, size, vector of the image (x, y; the rest up to unit length in z), captions
ITEMS = (
    ("apple-1", "photo", 96, (1.0, 0.0), (("a red apple", (1.0, 0.0)), ("fruit", (0.8, 0.0)))),
    ("apple-2", "line", 64, (0.9, 0.0), (("a red apple", (1.0, 0.0)),)),
    ("pear", "photo", 96, (0.6, 0.8), (("a green pear", (0.6, 0.8)),)),
    ("car", "photo", 128, (0.0, 1.0), (("a car", (0.0, 1.0)),)),
    ("blank", "line", 64, (0.0, 0.0), ()),
)


def unit(pairs):
    flat = np.array([[x, y, np.sqrt(max(0.0, 1 - x * x - y * y))] for x, y in pairs])
    return flat.astype(np.float32)


def png(colour=(255, 0, 0), size=8):
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "PNG")
    return buffer.getvalue()


TEXTS = {"apple": (1.0, 0.0), "car": (0.0, 1.0), "pear": (0.6, 0.8)}


class FakeClient:
    """Stands for the worker: encodes three words and any image, and counts what it was asked."""

    def __init__(self):
        self.asked = []

    def encode_text(self, model, texts):
        self.asked += [(model, text) for text in texts]
        return unit([TEXTS[text] for text in texts])

    def encode_image(self, model, data):
        self.asked.append((model, data))
        return unit([(0.0, 1.0)])[0]

    def close(self):
        pass


def fill(bench: Workbench, images) -> None:
    space = bench.workspace
    space.catalog.ensure_dataset("toys", importer="test", source=str(images), info={})
    rows, captions = [], []
    for number, (item, style, size, _, texts) in enumerate(ITEMS):
        path = images / f"{item}.png"
        path.write_bytes(png((40 * number, 0, 0)))
        rows.append(
            {"item": item, "uri": str(path), "offset": 0, "length": -1, "width": 8, "height": 8,
             "format": "PNG", "bytes": path.stat().st_size, "style": style, "size": size}
        )  # fmt: skip
        captions += [{"item_index": number, "text": text} for text, _ in texts]
    space.tables.append("toys", pa.Table.from_pylist(rows), pa.Table.from_pylist(captions))
    space.catalog.add_model(replace(MODEL))
    space.vectors.write("toys", MODEL.key, "image", 0, unit([i[3] for i in ITEMS]), dtype="float32")
    vectors = unit([vector for i in ITEMS for _, vector in i[4]])
    space.vectors.write("toys", MODEL.key, "caption", 0, vectors, dtype="float32")
