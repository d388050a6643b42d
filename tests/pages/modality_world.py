"""Measurements of the modality gap of the small workspace, from layers that are made up."""

from __future__ import annotations

import numpy as np

from workbench.api import Workbench
from workbench.types import Floats
from workbench.worker.modality_capture import Layers
from workbench.worker.modality_question import KIND, picked, question
from workbench.worker.modality_report import measured

__all__ = ["measure"]


def measure(bench: Workbench, model: str, *, shared: bool) -> str:
    """Keep a measurement of ``shapes``; return its key.

    The joint space is that of the stored vectors. Two layers before it hold the same with noise;
    of six units in each of them the last answers to texts, the first to images.
    """
    space = bench.workspace
    params = question(space, "shapes", model, pairs=96)
    rows, captions = picked(space, "shapes", 96, 0)
    key = space.catalog.model(model).key
    image = space.vectors.take("shapes", key, "image", rows)
    text = space.vectors.take("shapes", key, "caption", captions)
    rng = np.random.default_rng(0)

    def states(side: Floats, apart: float) -> list[Floats]:
        return [
            (side + noise * rng.normal(size=side.shape) + apart).astype(np.float32)
            for noise in (0.3, 0.1)
        ]

    def units(lean: float) -> dict[int, Floats]:
        slope = lean * np.linspace(-1, 1, 6)
        return {0: (rng.normal(size=(96, 6)) + slope).astype(np.float32)} if shared else {}

    names = ("input", "block 0")
    layers = Layers(
        shared=shared,
        names=(names, names),
        experts={0: 2} if shared else {},
        rows=rows,
        captions=captions,
        texts=space.tables.captions("shapes", captions)["text"].to_pylist(),
        vectors=(image, text),
        states=(states(image, 0.0), states(text, 0.05)),
        units=(units(-2.0), units(2.0)),
    )
    result, tables = measured(layers, 0, lambda: None)
    result |= {"notes": ["Of each item the first caption is taken."], "seconds": 1.0}
    return space.runs.publish(KIND, params, result, tables).key
