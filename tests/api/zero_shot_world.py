"""Eight images of cats, dogs and a fox with vectors written down by hand, and a model of words."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from tests.api.toys import MODEL, png, unit
from workbench.worker import zero_shot_job

# item, label, style, vector
IMAGES = (
    ("a", "cat", "photo", (1.0, 0.0)),
    ("b", "cat", "photo", (0.8, 0.6)),
    ("c", "cat", "line", (0.6, 0.8)),  # nearer to dog
    ("d", "dog", "photo", (0.0, 1.0)),
    ("e", "dog", "line", (0.28, 0.96)),
    ("f", "dog", "line", (0.96, 0.28)),  # nearer to cat
    ("g", None, "photo", (0.0, 1.0)),  # nobody said what it is
    ("h", "fox", "photo", (0.0, 0.0)),  # z is the fox
)
WORDS = {"cat": (1.0, 0.0), "dog": (0.0, 1.0), "fox": (0.0, 0.0), "hound": (0.6, 0.8)}
WORDS |= {"photo": (0.5, 0.5), "line": (-0.5, 0.5)}  # last: found only where no animal is


class Encoder:
    """Knows a text by the last of the words in it."""

    device = SimpleNamespace(title="none")
    gate = SimpleNamespace(background=lambda check: nullcontext())

    def __init__(self):
        self.asked = []

    def encode_texts(self, texts):
        self.asked += texts
        return unit([WORDS[next(w for w in WORDS if w in text)] for text in texts])


class Control:
    """Never stops; gives the one model."""

    def __init__(self, encoder):
        self.models = SimpleNamespace(get=lambda key: encoder)

    def tick(self, done=None, total=None, message=None, *, device=None):
        pass

    def check(self):
        pass


def fill(bench, folder, labels=None, bias=None):
    """The images as dataset ``pets``; ``labels`` replaces the labels, lists of them allowed."""
    folder.mkdir(exist_ok=True)
    space = bench.workspace
    space.catalog.ensure_dataset("pets", importer="test", source=str(folder), info={})
    rows = []
    for place, (item, label, style, _) in enumerate(IMAGES):
        path = folder / f"{item}.png"
        path.write_bytes(png((30 * place, 0, 0)))
        rows.append(
            {"item": item, "uri": str(path), "offset": 0, "length": -1, "width": 8, "height": 8,
             "format": "PNG", "bytes": path.stat().st_size, "style": style,
             "label": label, **({"true": labels[place]} if labels else {})}
        )  # fmt: skip
    captions = pa.table({"item_index": pa.array([], pa.int64()), "text": pa.array([], pa.string())})
    space.tables.append("pets", pa.Table.from_pylist(rows), captions)
    space.catalog.add_model(replace(MODEL, logit_bias=bias))
    vectors = unit([image[3] for image in IMAGES])
    space.vectors.write("pets", MODEL.key, "image", 0, vectors, dtype="float32")


def evaluate(bench, encoder=None, **asked):
    """Run one evaluation in this process; its key."""
    job = bench.submit_zero_shot("pets", "toy", **asked)
    claimed = bench.workspace.jobs.claim("test")
    assert claimed.id == job.id
    result = zero_shot_job.run(claimed, bench.workspace, Control(encoder or Encoder()))
    bench.workspace.jobs.finish(job.id, "test", result)
    return result["run"]


def softmax(values):
    values = np.exp(np.array(values) - max(values))
    return values / values.sum()
