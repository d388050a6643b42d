"""The log-linear fit as the authors of "No Zero-Shot Without Exponential Data" computed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.fit import correlation, correlation_p
from workbench.types import Rows

__all__ = ["BENCHMARKS", "EDGES", "RENAMED", "Reference", "reference_fit", "reference_r"]

BENCHMARKS = (
    "imagenet",
    "cifar10",
    "cifar100",
    "caltech101",
    "caltech256",
    "sun397",
    "birdsnap",
    "country211",
    "cub",
    "dtd",
    "eurosat",
    "fgvcaircraft",
    "flowers102",
    "food101",
    "imagenet-sketch",
    "oxfordpets",
    "stanfordcars",
    "ucf101",
)
"""The benchmarks whose classes are pooled; others in the files are left out."""
EDGES = 12
RENAMED = {("cifar10", "plane"): "airplane"}
"""(benchmark, class) of the accuracies -> its concept in the counts."""

_APART = "\x1f"


@dataclass(frozen=True)
class Reference:
    """One row of the reference: one model, prompts and way of counting, over all benchmarks.

    Args:
        backbone: architecture of the model.
        pretraining: the corpus, both of the counts and of the model.
        method: how concepts were counted.
        prompts: which prompts gave the accuracies.
        n: points, one a class of a benchmark.
        missing: classes of counted benchmarks that have an accuracy and no count. They are left
            out, not taken as 0.
        r_binned: Pearson r of the ten inner bin edges against their mean accuracies, in [-1, 1].
        p: its two-sided p-value.
        r_raw: Pearson r of ln(count) against accuracy over all points, without bins.
        uncounted: benchmarks with accuracies of which this corpus and method has no count at all.
    """

    backbone: str
    pretraining: str
    method: str
    prompts: str
    n: int
    missing: int
    r_binned: float
    p: float
    r_raw: float
    uncounted: tuple[str, ...]


def reference_fit(
    counts: pa.Table,
    accuracy: pa.Table,
    *,
    backbone: str | None = None,
    pretraining: str | None = None,
    method: str | None = None,
    prompts: str | None = None,
) -> tuple[Reference, ...]:
    """The reference for every model and way of counting whose corpus is in both tables.

    Points are the classes of the ``BENCHMARKS``, pooled; counts below 1 are taken as 1.

    Args:
        counts: as ``read_counts`` gives.
        accuracy: as ``read_accuracies`` gives; its ``pretrained`` names a corpus.
        backbone: only rows of this architecture; of all where None. The next three alike.
        pretraining: only rows of this corpus.
        method: only rows of this way of counting.
        prompts: only rows of these prompts.

    Returns:
        rows sorted by backbone, pretraining, method and prompts; none without a common point.

    Raises:
        InputError: a concept counted twice, or with two accuracies, in one row.

    Source: Udandarao et al., NeurIPS 2024, as bethgelab/frequency_determines_performance plots it,
        with the mean of an empty bin kept at 0 so that bins and edges stay aligned.
    """
    counts = _chosen(counts, {"pretraining": pretraining, "method": method})
    chosen = {"backbone": backbone, "pretrained": pretraining, "prompts": prompts}
    accuracy = _chosen(accuracy, chosen)
    keys, counted, scored = _shared_keys(counts, accuracy)
    owner = np.array([BENCHMARKS.index(key.partition(_APART)[0]) for key in keys], dtype=np.int64)
    frequencies: dict[str, list[tuple[str, NDArray[np.float64]]]] = {}
    for (corpus, how), rows in _groups(counts, ("pretraining", "method")):
        column = _by_key(counted[rows], _numbers(counts["count"], rows), keys, f"{corpus}, {how}")
        frequencies.setdefault(corpus, []).append((how, column))
    found = []
    for (name, corpus, asked), rows in _groups(accuracy, ("backbone", "pretrained", "prompts")):
        if corpus in frequencies:
            what = f"{name}, {corpus}, {asked}"
            scores = _by_key(scored[rows], _numbers(accuracy["accuracy"], rows), keys, what)
            for how, column in frequencies[corpus]:
                row = _row((name, corpus, how, asked), owner, column, scores)
                found += [row] if row else []
    return tuple(sorted(found, key=lambda r: (r.backbone, r.pretraining, r.method, r.prompts)))


def reference_r(counts: NDArray[Any], accuracy: NDArray[Any]) -> tuple[float, float, float]:
    """Pearson r over bins, its p-value, and r over points, of counts (n,) and accuracies (n,).

    x = ln(max(count, 1)); of ``EDGES`` edges evenly spaced from the least to the largest x, a
    point belongs to the first that is not below it; an edge's value is the mean accuracy of its
    points, 0 where it has none; the first and the last edge are left out. NaN where undefined.
    """
    x = np.log(np.maximum(np.asarray(counts, np.float64), 1))
    y = np.asarray(accuracy, np.float64)
    if not len(x):
        return float("nan"), float("nan"), float("nan")
    edges = np.linspace(x.min(), x.max(), EDGES)
    place = np.searchsorted(edges, x, side="left")
    sizes = np.bincount(place, minlength=EDGES)
    means = np.bincount(place, weights=y, minlength=EDGES) / np.maximum(sizes, 1)
    binned = correlation(edges[1:-1], means[1:-1])
    return binned, correlation_p(binned, EDGES - 2), correlation(x, y)


def _row(
    named: tuple[str, str, str, str],
    owner: Rows,
    counts: NDArray[np.float64],
    accuracy: NDArray[np.float64],
) -> Reference | None:
    """One combination; None where no class has both. ``owner`` is the benchmark of each class."""
    known, scored = np.isfinite(counts), np.isfinite(accuracy)
    inside = known & scored
    if not inside.any():
        return None
    covered = np.bincount(owner[known], minlength=len(BENCHMARKS)) > 0
    asked = np.bincount(owner[scored], minlength=len(BENCHMARKS)) > 0
    return Reference(
        *named,
        int(inside.sum()),
        int((scored & ~known & covered[owner]).sum()),
        *reference_r(counts[inside], accuracy[inside]),
        tuple(BENCHMARKS[place] for place in np.flatnonzero(asked & ~covered)),
    )


def _chosen(table: pa.Table, wanted: dict[str, str | None]) -> pa.Table:
    """The rows of the pooled benchmarks that have the wanted values."""
    keep = pc.is_in(table["benchmark"], value_set=pa.array(BENCHMARKS))
    for name, value in wanted.items():
        if value is not None:
            keep = pc.and_(keep, pc.equal(table[name], value))
    return table.filter(keep)


def _shared_keys(counts: pa.Table, accuracy: pa.Table) -> tuple[list[str], Rows, Rows]:
    """All (benchmark, concept) of both tables, and each row's place among them."""
    scored = _keys(accuracy)
    for (benchmark, old), new in RENAMED.items():
        is_old = pc.equal(scored, f"{benchmark}{_APART}{old}")
        scored = pc.if_else(is_old, f"{benchmark}{_APART}{new}", scored)
    both = pa.chunked_array([*_keys(counts).chunks, *scored.chunks], pa.string())
    encoded = both.combine_chunks().dictionary_encode()
    places = encoded.indices.to_numpy().astype(np.int64)
    return encoded.dictionary.to_pylist(), places[: len(counts)], places[len(counts) :]


def _keys(table: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(table["benchmark"], table["concept"], _APART)


def _groups(table: pa.Table, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Rows]]:
    """The rows of each combination of the named columns, in the order of first appearance."""
    encoded = [table[name].combine_chunks().dictionary_encode() for name in names]
    code = np.zeros(len(table), dtype=np.int64)
    for each in encoded:
        code = code * max(1, len(each.dictionary)) + each.indices.to_numpy()
    order = np.argsort(code, kind="stable")
    cuts = np.flatnonzero(np.diff(code[order])) + 1
    for rows in np.split(order, cuts) if len(order) else []:
        first = int(rows[0])
        yield tuple(each[first].as_py() for each in encoded), rows


def _numbers(column: pa.ChunkedArray, rows: Rows) -> NDArray[np.float64]:
    found: NDArray[np.float64] = column.to_numpy()[rows]
    return found


def _by_key(
    places: Rows, values: NDArray[np.float64], keys: list[str], what: str
) -> NDArray[np.float64]:
    """Values in the order of the keys: float64, NaN where there is none."""
    sizes = np.bincount(places, minlength=len(keys))
    if (sizes > 1).any():
        twice = keys[int(sizes.argmax())].replace(_APART, ": ")
        raise InputError(f"{what}, {twice}", expected="one row", got=f"{int(sizes.max())} rows")
    found = np.full(len(keys), np.nan)
    found[places] = values
    return found
