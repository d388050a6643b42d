"""A workspace with vectors of a dataset, for the tests of search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from store.workspace import Workspace

KEY = ("things", "abc123", "image")


def unit(rng: np.random.Generator, rows: int, dim: int) -> NDArray[np.float32]:
    vectors = rng.standard_normal((rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def workspace(root: Path, rows: int, captions: int = 0) -> Workspace:
    """A workspace whose dataset ``things`` has items, and captions of the first ones."""
    opened = Workspace.open(root)
    opened.catalog.ensure_dataset("things", importer="folder", source="nowhere", info={})
    add_items(opened, 0, rows, captions)
    return opened


def add_items(opened: Workspace, start: int, rows: int, captions: int = 0) -> None:
    opened.tables.append(
        "things",
        pa.table({"item": [f"thing-{i}" for i in range(start, start + rows)]}),
        pa.table(
            {
                "item_index": pa.array(np.arange(captions) % rows),
                "text": [f"a thing {i}" for i in range(captions)],
            }
        ),
    )


def embed(
    opened: Workspace,
    vectors: NDArray[Any],
    start: int = 0,
    *,
    side: str = "image",
    dtype: str = "float16",
    shard: int = 100,
) -> None:
    """Write vectors in shards."""
    for at in range(0, len(vectors), shard):
        part = vectors[at : at + shard]
        opened.vectors.write(KEY[0], KEY[1], side, start + at, part, dtype=dtype)
