"""From the layers of pairs to the figures and tables of a modality report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.experts.alignment import (
    Agreement,
    cka_map,
    linked_recall,
    neighbour_map,
    neighbours,
)
from workbench.experts.gap import AMOUNTS, close_classes, close_pairs, modality_gap
from workbench.experts.selectivity import EDGES, Selectivity, selectivity
from workbench.experts.separability import separability
from workbench.measures.interval import wilson
from workbench.types import Floats, Rows
from workbench.worker.modality_capture import Layers

__all__ = ["JOINT", "NEIGHBOURS", "classes_closed", "measured"]

JOINT = -1
"""Number that stands for the joint space where layers are numbered: 0 is ``input``."""

NEIGHBOURS = 10
_TOP = 8
"""Inputs kept for each unit and modality."""
_UNITS = 8192
"""Units of a layer whose inputs are kept: the most selective."""

Report = tuple[dict[str, Any], dict[str, pa.Table]]
Pause = Callable[[], None]


def measured(layers: Layers, seed: int, pause: Pause) -> Report:
    """Every figure, and the tables behind them.

    Args:
        layers: n pairs.
        seed: of halves, resamples and shuffles.
        pause: called between steps; may raise to stop.
    """
    same = np.unique(np.array(layers.texts, dtype=object), return_inverse=True)[1]
    result: dict[str, Any] = {
        "shared": layers.shared,
        "names": [list(names) for names in layers.names],
        "n": len(layers.rows),
        "dim": layers.vectors[0].shape[1],
        "gap": asdict(modality_gap(*layers.vectors, seed=seed)),
        "repeated": int(len(same) - len(np.unique(same))),
    }
    sweep, pairs = _sweep(layers, same, pause)
    separate, projections = _layers(layers, seed, pause)
    alike, near = _alignment(layers, same, seed, pause)
    selective, units, tops = _units(layers, seed, pause)
    result |= {"sweep": sweep, "layers": separate, "units": selective, **alike}
    return result, {
        "pairs": pairs,
        "projections": projections,
        "neighbours": near,
        "units": units,
        "tops": tops,
    }


def _shares(hits: NDArray[np.bool_]) -> list[list[float]]:
    """[share, low, high] of each row of hits, with Wilson's 95% interval."""
    n = hits.shape[1]
    right = hits.sum(axis=1)
    low, high = wilson(right, np.full(len(hits), n))
    return [list(map(float, each)) for each in zip(right / n, low, high, strict=True)]


def _sweep(layers: Layers, same: Rows, pause: Pause) -> tuple[dict[str, Any], pa.Table]:
    """Retrieval among the pairs as the gap is closed, and each pair's ranks (columns per step)."""
    distance, image, text = [], [], []
    for away, of_image, of_text in close_pairs(*layers.vectors, same):
        pause()
        distance.append(away)
        image.append(of_image)
        text.append(of_text)
    ranks = {"image_to_text": np.stack(image), "text_to_image": np.stack(text)}
    table = {
        "row": pa.array(layers.rows),
        "caption_row": pa.array(layers.captions),
        **{way: _lists(found.T) for way, found in ranks.items()},
    }
    shares = {way: _shares(found == 1) for way, found in ranks.items()}
    return {"amounts": list(AMOUNTS), "distance": distance, **shares}, pa.table(table)


def classes_closed(
    images: Floats, classes: Floats, truth: NDArray[np.int32], rows: Rows
) -> tuple[dict[str, Any], pa.Table]:
    """Zero-shot accuracy as the gap between images and class vectors is closed.

    Args:
        images: (N, D) unit rows.
        classes: (C, D) unit rows.
        truth: int32 (N,), the true class of each.
        rows: int64 (N,), their items.

    Returns:
        ``top1`` a step with interval, ``images``, ``distance``; and the predictions, one row an
        image.
    """
    predicted = close_classes(images, classes)
    gap = images.mean(axis=0, dtype=np.float64) - classes.mean(axis=0, dtype=np.float64)
    found = {
        "top1": _shares(predicted == truth),
        "images": len(images),
        "distance": float(np.linalg.norm(gap)),
    }
    table = {"row": pa.array(rows), "truth": pa.array(truth), "predicted": _lists(predicted.T)}
    return found, pa.table(table)


def _layers(layers: Layers, seed: int, pause: Pause) -> tuple[list[dict[str, Any]], pa.Table]:
    """Separability of the joint space, and of each layer where both modalities share weights."""
    spaces: list[tuple[int, str, Floats, Floats]] = []
    if layers.shared:
        named = zip(layers.names[0], *layers.states, strict=True)
        spaces = [(number, *each) for number, each in enumerate(named)]
    spaces.append((JOINT, "joint space", *layers.vectors))
    found, tables = [], []
    for number, name, image, text in spaces:
        pause()
        cut = separability(image, text, seed=seed)
        centroids = [_unit(side).mean(axis=0) for side in (image, text)]
        distance = float(np.linalg.norm(centroids[0] - centroids[1]))
        facts = {"auroc": cut.auroc, "null": cut.null, "distance": distance}
        found.append({"layer": number, "name": name, **facts})
        for modality, values in enumerate((cut.images, cut.texts)):
            columns = _keyed(layers.rows, layer=number, modality=modality)
            tables.append(columns.append_column("value", pa.array(values.astype(np.float32))))
    return found, pa.concat_tables(tables)


def _unit(rows: Floats) -> NDArray[np.float64]:
    wide = rows.astype(np.float64)
    found: NDArray[np.float64] = wide / np.maximum(
        np.linalg.norm(wide, axis=1, keepdims=True), 1e-12
    )
    return found


def _keyed(rows: Rows, **constant: int) -> pa.Table:
    columns = {name: pa.array(np.full(len(rows), v, np.int16)) for name, v in constant.items()}
    return pa.table({**columns, "row": pa.array(rows)})


def _alignment(
    layers: Layers, same: Rows, seed: int, pause: Pause
) -> tuple[dict[str, Any], pa.Table]:
    """Three maps, image layers by text layers, both with the joint space last."""
    sides = [
        [*states, vectors] for states, vectors in zip(layers.states, layers.vectors, strict=True)
    ]
    k = min(NEIGHBOURS, len(layers.rows) - 1)
    near = []
    for side in sides:
        near.append([neighbours(each, k) for each in side])
        pause()
    linked, chance = linked_recall(sides[0], sides[1], same, seed=seed, pause=pause)
    tables = [
        _keyed(layers.rows, modality=modality, layer=number if number < len(side) - 1 else JOINT)
        .append_column("near", _lists(layers.rows[each]))
        for modality, side in enumerate(near)
        for number, each in enumerate(side)
    ]  # fmt: skip
    return {
        "k": k,
        "cka": _agreement(cka_map(sides[0], sides[1], seed=seed, pause=pause)),
        "neighbours": _agreement(neighbour_map(near[0], near[1], seed=seed, pause=pause)),
        "linked": {"values": linked.tolist(), "chance": chance, "n": len(same) - len(same) // 2},
    }, pa.concat_tables(tables)


def _agreement(found: Agreement) -> dict[str, Any]:
    return {
        "values": found.values.tolist(),
        "null": found.null.tolist(),
        "chance": found.chance,
    }


def _units(
    layers: Layers, seed: int, pause: Pause
) -> tuple[list[dict[str, Any]], pa.Table, pa.Table]:
    """Selectivity of the joint space's dimensions, and of hidden units where weights are shared."""
    spaces: list[tuple[int, str, int, Floats, Floats]] = [
        (number + 1, f"block {number}", experts, layers.units[0][number], layers.units[1][number])
        for number, experts in layers.experts.items()
    ]
    spaces.append((JOINT, "joint space", 1, *layers.vectors))
    found, units, tops = [], [], []
    for number, name, experts, image, text in spaces:
        measure = selectivity(image, text, seed=seed, pause=pause)
        found.append({"layer": number, "name": name, "experts": experts, **_counts(measure)})
        units.append(_unit_table(number, experts, measure, image, text))
        tops += _tops(layers.rows, number, measure, image, text)
    return found, pa.concat_tables(units), pa.concat_tables(tops)


def _counts(measure: Selectivity) -> dict[str, Any]:
    clear = measure.q < 0.05
    return {
        "units": len(measure.values),
        "image": int((clear & (measure.values < 0)).sum()),
        "text": int((clear & (measure.values > 0)).sum()),
        "mean": float(np.abs(measure.values).mean()),
        "largest_by_chance": measure.largest,
        "histogram": np.histogram(measure.values, bins=EDGES)[0].tolist(),
        "by_chance": (measure.null / measure.shuffles).tolist(),
    }


def _unit_table(
    number: int, experts: int, measure: Selectivity, image: Floats, text: Floats
) -> pa.Table:
    units = np.arange(len(measure.values))
    columns: Mapping[str, NDArray[Any]] = {
        "layer": np.full(len(units), number, np.int16),
        "unit": units.astype(np.int32),
        "expert": (units // (len(units) // experts)).astype(np.int16),
        "selectivity": measure.values.astype(np.float32),
        "p": measure.p,
        "q": measure.q,
        "image_mean": image.mean(axis=0).astype(np.float32),
        "text_mean": text.mean(axis=0).astype(np.float32),
    }
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def _tops(
    rows: Rows, number: int, measure: Selectivity, image: Floats, text: Floats
) -> list[pa.Table]:
    """The inputs that excite each unit most, the strongest first, of both modalities."""
    kept = np.sort(np.argsort(-np.abs(measure.values), kind="stable")[:_UNITS])
    found = []
    for modality, side in enumerate((image, text)):
        part = side[:, kept]
        best = np.argsort(-part, axis=0, kind="stable")[:_TOP]
        count = best.shape[0]
        columns: Mapping[str, NDArray[Any]] = {
            "layer": np.full(best.size, number, np.int16),
            "unit": np.repeat(kept, count).astype(np.int32),
            "modality": np.full(best.size, modality, np.int8),
            "rank": np.tile(np.arange(count, dtype=np.int16), len(kept)),
            "row": rows[best.T.reshape(-1)],
            "activation": np.take_along_axis(part, best, axis=0).T.reshape(-1),
        }
        found.append(pa.table({name: pa.array(values) for name, values in columns.items()}))
    return found


def _lists(values: NDArray[Any]) -> pa.Array:
    flat = np.ascontiguousarray(values).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), values.shape[1])
