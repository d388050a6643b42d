"""An index file opened for searching: memory-mapped, so its pages are shared and can be evicted.

FAISS maps index data only under ``IO_FLAG_MMAP_IFC`` (plain ``IO_FLAG_MMAP`` maps inverted lists
but copies flat codes), and advises the kernel to expect random access, which would read a cold
index page by page; asking for the whole file ahead makes up for it.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkspaceDamaged
from workbench.types import Floats, IndexInfo, Rows

__all__ = ["Reader", "Readers"]


class Reader:
    """One mapped index over rows 0 .. rows - 1. Searching is safe from many threads.

    Args:
        path: the file.
        info: what the catalog says of it.

    Raises:
        WorkspaceDamaged: missing, truncated, or not what the catalog says.
    """

    def __init__(self, path: Path, info: IndexInfo) -> None:
        self.info = info
        try:
            _read_ahead(path)
            self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except (OSError, RuntimeError) as error:
            raise _damaged(path, info, str(error).splitlines()[0]) from error
        found = (self._index.ntotal, self._index.d)
        if found != (info.rows, info.dim):
            raise _damaged(path, info, f"{found[0]} rows of {found[1]} numbers")

    @property
    def approximate(self) -> bool:
        """True when an unfiltered search visits only some of the vectors."""
        return self.info.kind.startswith("IVF")

    @property
    def vectors(self) -> NDArray[Any] | None:
        """Every vector as stored, (rows, D) float16 or float32, mapped; None for cells."""
        if self.approximate:
            return None
        dtype = np.dtype(self.info.kind.split()[-1])
        size = self.info.rows * self.info.dim * dtype.itemsize
        raw = faiss.rev_swig_ptr(self._index.codes.data(), size)
        raw.flags.writeable = False  # the mapping is read-only
        vectors: NDArray[Any] = raw.view(dtype).reshape(self.info.rows, self.info.dim)
        return vectors

    def candidates(
        self, queries: Floats, k: int, rows: Rows | None = None, *, every: bool = False
    ) -> tuple[Floats, Rows]:
        """FAISS's own k best of each query: scores (Q, k) and rows (Q, k), -1 pads.

        Args:
            queries: float32 (Q, D).
            k: results a query.
            rows: allowed rows, all below ``info.rows``; None for all.
            every: visit every cell; implied by ``rows``.
        """
        selector = None if rows is None else _selector(rows, self.info.rows)
        with _threads(1 if len(queries) == 1 else None):
            scores, found = self._index.search(
                queries, min(k, self.info.rows), params=self._parameters(selector, every)
            )
        return scores, found

    def _parameters(self, selector: Any, every: bool) -> Any:
        if not self.approximate:
            return None if selector is None else faiss.SearchParameters(sel=selector)
        visits = self._index.nlist if every or selector is not None else self._index.nprobe
        return faiss.SearchParametersIVF(sel=selector, nprobe=visits)


class Readers:
    """The indexes this process has open, by file; the least recently used are closed.

    Args:
        limit: how many stay open.
    """

    def __init__(self, limit: int = 16) -> None:
        self.limit = limit
        self._open: OrderedDict[Path, Reader] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, info: IndexInfo) -> Reader:
        """The reader of a file, opened if need be. A file never changes under its name."""
        with self._lock:
            reader = self._open.pop(path, None) or Reader(path, info)
            self._open[path] = reader
            while len(self._open) > self.limit:
                self._open.popitem(last=False)
            return reader

    def close(self) -> None:
        """Forget every reader; a search under way keeps its own until it ends."""
        with self._lock:
            self._open.clear()


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """OpenMP threads of this Python thread for a while; None leaves them.

    FAISS spreads queries over threads, so one query gains nothing from a second thread but waits
    for it: 8 ms on a busy machine with two cores, where the search itself takes one.
    """
    before = faiss.omp_get_max_threads()
    if count is not None:
        faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _selector(rows: Rows, total: int) -> Any:
    """Allowed rows as a bitmap: built in 1.3 ms for half of a million (a batch set takes 200)."""
    allowed = np.zeros(total, dtype=bool)
    allowed[rows] = True
    return faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))


def _read_ahead(path: Path) -> None:
    """Ask the kernel to read the file into memory; it does so while we go on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
    finally:
        os.close(descriptor)


def _damaged(path: Path, info: IndexInfo, got: str) -> WorkspaceDamaged:
    return WorkspaceDamaged(
        f"index {path.name} of {info.dataset!r}",
        expected=f"{info.rows} rows of {info.dim} numbers",
        got=got,
        do="Build it again: `workbench index`.",
    )
