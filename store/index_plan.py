"""Which kind of index fits: from the number of vectors, their length and the machine's memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.errors import InputError

__all__ = ["FLAT_ROWS", "IndexPlan", "gigabytes", "ivf_cells", "plan"]

FLAT_ROWS = 1_250_000
"""Up to here every vector is compared with the query: 0.2 s for a million of 512 on one core."""

_SHARE = 0.5
"""Of the memory, for building: the rest is left to the models and to everything else."""

_VECTORS_A_CELL = 400
"""Aimed at; a search then ranks about as many cell centres as vectors in the cells it visits."""


@dataclass(frozen=True)
class IndexPlan:
    """A kind of index and why.

    Args:
        kind: ``flat float16``, ``IVF<cells> float16``, or ``none`` when neither can be built.
        reason: sentences for the person.
        bytes: size on disk and, while it is built, in memory; 0 for ``none``.
    """

    kind: str
    reason: str
    bytes: int


def plan(rows: int, dim: int, memory_bytes: int) -> IndexPlan:
    """Choose the kind of index for vectors (rows, dim).

    Exhaustive up to ``FLAT_ROWS``, cells beyond, and no index where half of the memory does not
    hold one: search then reads the vectors themselves.

    Args:
        rows: number of vectors, at least 1.
        dim: D.
        memory_bytes: memory of the machine.

    Raises:
        InputError: nothing to index.
    """
    if rows < 1 or dim < 1:
        raise InputError("index", expected="vectors", got=f"{rows} rows of {dim} numbers")
    size, limit = rows * dim * 2, int(memory_bytes * _SHARE)
    what = f"{rows:,} vectors of {dim} numbers"
    if size > limit:
        reason = (
            f"{what} need {gigabytes(size)} as float16, more than half of this machine's memory "
            f"({gigabytes(memory_bytes)}): each search reads the vectors themselves and is exact."
        )
        return IndexPlan("none", reason, 0)
    if rows <= FLAT_ROWS:
        reason = f"{what} are few enough to compare every one: the ranking is exact."
        return IndexPlan("flat float16", reason, size)
    cells = ivf_cells(rows)
    reason = (
        f"{what} are too many to compare every one: they lie in {cells:,} cells, and a search "
        "visits the nearest. Filtered searches, and those past rank 1,000, visit all and are exact."
    )
    return IndexPlan(f"IVF{cells} float16", reason, size + rows * 8 + cells * dim * 4)


def ivf_cells(rows: int) -> int:
    """Number of cells for that many vectors: a power of two, about 400 vectors a cell."""
    return int(2 ** max(0, round(math.log2(max(1, rows / _VECTORS_A_CELL)))))


def gigabytes(size: int) -> str:
    """Bytes for people: ``1.0 GB``, ``20 MB``, ``3 KB``; units of 1000."""
    for unit, name in ((10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}" if size < 10 * unit else f"{size / unit:.0f} {name}"
    return f"{max(1, round(size / 1000))} KB" if size else "0 KB"
