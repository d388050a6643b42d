"""Work on many images on all cores, a part that fits the cache at a time.

A product on all cores followed by a second look at its logits reads them from memory again. Dealt
out in small blocks, with a BLAS that keeps to the core that asks, each core looks at the logits it
has just made.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from workbench.types import Floats

__all__ = ["BLOCK_CELLS", "BLOCK_IMAGES", "CELLS", "block_size", "dealt", "over_cores", "room"]

CELLS = 1 << 17
"""Logits looked at together: half a megabyte, which stays in a core's own cache."""
BLOCK_IMAGES = 1024
"""Images scored together by one core; with fewer BLAS spends its time on packing the classes."""
BLOCK_CELLS = 1 << 21
"""Logits that one core makes at a time, at most: eight megabytes."""
_THREADS = os.cpu_count() or 1
_AHEAD = 2

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class _Place(threading.local):
    """Whether this thread is one of several that share a task out, and its own room."""

    shared = False
    room: Floats = np.empty(0, np.float32)


_place = _Place()


class _Quiet:
    """Keeps BLAS to one thread while anybody wants that; the last one out restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limits: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        from threadpoolctl import threadpool_limits

        with self._lock:
            if not self._users:
                self._limits = threadpool_limits(1, "blas")
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._limits.restore_original_limits()


_one_blas_thread = _Quiet()


def block_size(classes: int) -> int:
    """Images for one core to score at a time, from 1."""
    return max(1, min(BLOCK_IMAGES, BLOCK_CELLS // classes))


def dealt(work: Callable[[_Given], _Made], given: Iterable[_Given]) -> Generator[_Made, None, None]:
    """What the work makes of each thing given, in order; each is done by one core alone.

    Things are taken as they are needed, two a core ahead, in the thread that asks. Close the
    iterator (``contextlib.closing``) where it may not be read to its end: BLAS is limited to one
    thread until then, in the whole process.

    Raises:
        Exception: what the work or the iterable raised; nothing further is begun.
    """
    with _one_blas_thread(), ThreadPoolExecutor(_THREADS, initializer=_share) as pool:
        waiting: deque[Future[_Made]] = deque()
        try:
            for each in given:
                waiting.append(pool.submit(work, each))
                if len(waiting) > _AHEAD * _THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each_waiting in waiting:
                each_waiting.cancel()


def room(rows: int, columns: int) -> Floats:
    """Memory of this thread to write logits to: float32 (rows, columns), holding anything.

    The next call in the same thread gives the same memory again. Memory that is new each time
    costs a fifth of the product that is written there, because its pages are made while it is.
    """
    if _place.room.size < rows * columns:
        _place.room = np.empty(rows * columns, np.float32)
    return _place.room[: rows * columns].reshape(rows, columns)


def over_cores(work: Callable[[slice], None], logits: Floats, cells: int = CELLS) -> None:
    """Do the work for some images at a time, on several cores: numpy lets go of the lock.

    Within ``dealt`` the parts are done one after another, because the other cores are busy.

    Args:
        work: called with a span of rows; writes its results itself.
        logits: (b, C), whose rows are dealt out.
        cells: logits looked at together.
    """
    step = max(1, cells // logits.shape[1])
    parts = [slice(at, at + step) for at in range(0, len(logits), step)]
    if _place.shared:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(min(4, _THREADS), initializer=_share) as pool:
        list(pool.map(work, parts))


def _share() -> None:
    _place.shared = True
