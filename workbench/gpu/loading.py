"""Decodes images ahead of the forward pass, in parallel and in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError

__all__ = ["Failed", "Load", "ahead", "threads"]

Pixels = NDArray[np.uint8]
_CHUNK = 8
"""Images a task: enough to make its own cost small, few enough to spread evenly."""


@dataclass(frozen=True)
class Load:
    """One image to load: its row in the dataset, its name, and where its bytes lie."""

    row: int
    name: str
    uri: str
    offset: int
    length: int


@dataclass(frozen=True)
class Failed:
    """One image that could not be loaded, and why."""

    load: Load
    reason: str


def threads() -> int:
    """Threads that decode: one for each core that this process may use, at most 16."""
    return min(16, len(os.sched_getaffinity(0)))


def ahead(
    loads: Iterable[Load],
    pixels: Callable[[Load], Pixels],
    *,
    window: Callable[[], int],
    workers: int | None = None,
) -> Iterator[tuple[Load, Pixels] | Failed]:
    """Images in the order given, decoded by a pool of threads while the caller computes.

    Args:
        loads: what to load; read as far ahead as the window.
        pixels: one image -> uint8 (H, W, 3); raises WorkbenchError when it cannot be had.
        window: how many images may be decoded and not yet taken; bounds the memory.
        workers: threads; one a core when None.
    """
    source = iter(loads)
    pending: deque[Future[list[tuple[Load, Pixels] | Failed]]] = deque()
    with ThreadPoolExecutor(workers or threads(), thread_name_prefix="decode") as pool:
        try:
            while True:
                while len(pending) * _CHUNK < max(window(), _CHUNK):
                    chunk = list(islice(source, _CHUNK))
                    if not chunk:
                        break
                    pending.append(pool.submit(_load, chunk, pixels))
                if not pending:
                    return
                yield from pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _load(
    chunk: list[Load], pixels: Callable[[Load], Pixels]
) -> list[tuple[Load, Pixels] | Failed]:
    found: list[tuple[Load, Pixels] | Failed] = []
    for load in chunk:
        try:
            found.append((load, pixels(load)))
        except WorkbenchError as error:
            found.append(Failed(load, error.got or error.what))
    return found
