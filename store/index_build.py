"""Building an index: the vectors once through FAISS, the choice measured, the file published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import psutil
from numpy.typing import NDArray

from store.catalog import Catalog
from store.files import draft
from store.index_cover import Coverage
from store.index_plan import IndexPlan, gigabytes
from store.index_plan import plan as choose
from store.index_recall import WANTED_RECALL, half_recall, sample_queries, tune_visits
from store.index_scores import as_float32
from store.vectors import Vectors
from workbench.errors import Cancelled, InputError
from workbench.types import Floats, IndexInfo, Side

__all__ = ["Builder"]

_BLOCK = 16_384
_ROUNDS = 10
_TRAINING_A_CELL = 64

Key = tuple[str, str, Side]


class Builder:
    """Builds indexes of one workspace.

    Args:
        root: the workspace folder.
        catalog: of the workspace.
        vectors: of the workspace.
        progress: called with (rows done, rows in all).
        should_stop: asked between blocks and rounds of training.
        seed: of samples and cell centres.
    """

    def __init__(
        self,
        root: Path,
        catalog: Catalog,
        vectors: Vectors,
        *,
        progress: Callable[[int, int], None] | None,
        should_stop: Callable[[], bool] | None,
        seed: int,
    ) -> None:
        self.root, self.catalog, self.vectors, self.seed = root, catalog, vectors, seed
        self._progress, self._should_stop = progress, should_stop
        self._done = self._total = 0

    def build(self, key: Key, cover: Coverage, plan: IndexPlan | None) -> IndexInfo:
        """Build the planned kind (by default the one that fits) over the rows of ``cover``."""
        rows, dim = cover.prefix, cover.dim
        if rows == 0:
            raise InputError(
                f"index of the {key[2]}s of {key[0]!r}",
                expected="vectors from row 0 on",
                got="none",
                do="Embed the dataset first.",
            )
        plan = plan or choose(rows, dim, psutil.virtual_memory().total)
        if plan.kind == "none":
            info = _info(key, plan, rows, dim, exact=True)
            self.catalog.put_index(info, None)
            return info
        if plan.kind.startswith("IVF"):
            plan, index = self._cells(key, cover, plan)
        else:
            plan, index = self._flat(key, cover, plan)
        self._check_stop(key)
        return self._publish(key, plan, index)

    def _publish(self, key: Key, plan: IndexPlan, index: Any) -> IndexInfo:
        folder = f"indexes/{key[0]}/{key[1]}"
        with draft(self.root, folder, "index.faiss") as file:
            faiss.write_index(index, str(file.path))
            stored = file.place("index", f"{key[2]}-{index.ntotal}", ".faiss")
        info = _info(key, plan, index.ntotal, index.d, exact=plan.kind.startswith("flat"))
        self.catalog.put_index(info, stored)
        return replace(info, bytes=stored.bytes)

    # every vector compared

    def _flat(self, key: Key, cover: Coverage, plan: IndexPlan) -> tuple[IndexPlan, Any]:
        """Float16 where nothing or next to nothing is lost by it."""
        rows = cover.prefix
        half = plan.kind != "flat float32"
        if half and cover.dtypes == {"float16"}:
            self._total = rows
            size = gigabytes(plan.bytes)
            note = f"Kept as float16 ({size}), as the vectors themselves are, so nothing is lost."
            plan = replace(plan, reason=f"{plan.reason} {note}")
        elif half:
            self._total = 2 * rows
            plan = self._measured(key, rows, plan)
        else:
            self._total = rows
        return plan, self._filled(key, rows, cover.dim, plan.kind)

    def _measured(self, key: Key, rows: int, plan: IndexPlan) -> IndexPlan:
        queries = self._queries(key, rows)
        blocks = self._blocks(key, rows)
        recall = half_recall(queries, blocks, lambda wanted: self.vectors.take(*key, wanted))
        found = f"recall@10 against float32 is {recall:.4f} on {len(queries)} sample queries"
        if recall >= WANTED_RECALL:
            note = f"Kept as float16 ({gigabytes(plan.bytes)}, half of float32): {found}."
            return replace(plan, reason=f"{plan.reason} {note}")
        size = plan.bytes * 2
        note = f"Kept as float32 ({gigabytes(size)}): as float16 {found}, below {WANTED_RECALL}."
        return IndexPlan("flat float32", f"{plan.reason} {note}", size)

    def _filled(self, key: Key, rows: int, dim: int, kind: str) -> Any:
        """A flat index whose codes are written in place: adding would double them as they grow."""
        dtype = np.dtype(kind.rsplit(maxsplit=1)[-1])
        if dtype == np.float32:
            index = faiss.IndexFlatIP(dim)
        else:
            index = faiss.IndexScalarQuantizer(
                dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
            )
            index.is_trained = True  # float16 has nothing to learn
        index.codes.resize(rows * dim * dtype.itemsize)
        raw = faiss.rev_swig_ptr(index.codes.data(), rows * dim * dtype.itemsize)
        codes = raw.view(dtype).reshape(rows, dim)
        for start, block in self._blocks(key, rows):
            codes[start : start + len(block)] = block
        index.ntotal = rows
        return index

    # cells

    def _cells(self, key: Key, cover: Coverage, plan: IndexPlan) -> tuple[IndexPlan, Any]:
        rows, dim = cover.prefix, cover.dim
        count = int(plan.kind.split()[0].removeprefix("IVF"))
        self._total = rows + _ROUNDS * min(rows, count * _TRAINING_A_CELL)
        quantizer = faiss.IndexFlatIP(dim)
        quantizer.add(self._centres(key, rows, count))
        index = faiss.IndexIVFScalarQuantizer(
            quantizer,
            dim,
            count,
            faiss.ScalarQuantizer.QT_fp16,
            faiss.METRIC_INNER_PRODUCT,
            False,  # vectors themselves, not differences from the centre
        )
        index.is_trained = True
        for _, block in self._blocks(key, rows):
            index.add(as_float32(block))
        queries = self._queries(key, rows)
        recall, visits = tune_visits(index, queries, lambda: self._check_stop(key))
        note = (
            f"Visiting {visits} cells finds {recall:.1%} of the true ten nearest "
            f"({len(queries)} sample queries)."
        )
        return replace(plan, reason=f"{plan.reason} {note}"), index

    def _centres(self, key: Key, rows: int, count: int) -> Floats:
        """Cell centres (count, D) by spherical k-means, one round at a time so that it can stop."""
        rng = np.random.default_rng(self.seed)
        size = min(rows, count * _TRAINING_A_CELL)
        sample = np.sort(rng.choice(rows, size, replace=False))
        vectors = self.vectors.take(*key, sample)
        centres = vectors[np.sort(rng.choice(size, count, replace=False))]
        for _ in range(_ROUNDS):
            means = faiss.Kmeans(
                vectors.shape[1], count, niter=1, spherical=True, seed=self.seed,
                min_points_per_centroid=1, max_points_per_centroid=size,
            )  # fmt: skip
            means.train(vectors, init_centroids=centres)
            centres = means.centroids
            self._tick(key, size)
        return np.ascontiguousarray(centres)

    # reading

    def _queries(self, key: Key, rows: int) -> Floats:
        return sample_queries(self.catalog.database, self.vectors, key, rows, self.seed)

    def _blocks(self, key: Key, rows: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Blocks of rows 0 to rows - 1; each is counted as done when the next is asked for."""
        for start, block in self.vectors.blocks(*key, size=_BLOCK):
            if start >= rows:
                return
            yield start, block[: rows - start]
            self._tick(key, min(len(block), rows - start))

    def _tick(self, key: Key, rows: int) -> None:
        self._done += rows
        if self._progress is not None:
            self._progress(self._done, self._total)
        self._check_stop(key)

    def _check_stop(self, key: Key) -> None:
        if self._should_stop is not None and self._should_stop():
            raise Cancelled(f"the index of the {key[2]}s of {key[0]!r} was stopped")


def _info(key: Key, plan: IndexPlan, rows: int, dim: int, *, exact: bool) -> IndexInfo:
    return IndexInfo(*key, plan.kind, plan.reason, rows, dim, 0, exact)
