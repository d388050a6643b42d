"""Work on the logits of many images on all cores, a part that fits the cache at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from workbench.types import Floats

__all__ = ["CELLS", "over_cores"]

CELLS = 1 << 18
"""Logits looked at together: a megabyte."""
_THREADS = min(4, os.cpu_count() or 1)


def over_cores(work: Callable[[slice], None], logits: Floats) -> None:
    """Do the work for some images at a time, on several cores: numpy lets go of the lock.

    Args:
        work: called with a span of rows; writes its results itself.
        logits: (b, C), whose rows are dealt out.
    """
    step = max(1, CELLS // logits.shape[1])
    parts = [slice(at, at + step) for at in range(0, len(logits), step)]
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, parts))
