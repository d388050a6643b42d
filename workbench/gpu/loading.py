"""Decodes images ahead of a GPU's forward pass, in parallel and in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from workbench.errors import InputError, WorkspaceError

__all__ = ["Failed", "Load", "ahead", "prepared", "threads"]

Source = TypeVar("Source")

_CHUNK = 8
"""Images a task: enough to make its own cost small, few enough to spread evenly."""


@dataclass(frozen=True)
class Load:
    """One image to load: its name, and where its bytes lie."""

    name: str
    uri: str
    offset: int
    length: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Failed:
    """One row that could not be prepared: its name, and why."""

    row: int
    name: str
    reason: str


def threads() -> int:
    """Threads that decode: one for each core that this process may use, at most 16."""
    try:
        return min(16, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on Linux
        return min(16, os.cpu_count() or 1)


def prepared(row: int, source: Source, prepare: Callable[[Source], Any]) -> Any:
    """The item that ``prepare`` makes, or ``Failed`` where its file cannot be read or decoded."""
    try:
        return prepare(source)
    except (InputError, WorkspaceError) as error:  # not Cancelled and the like
        return Failed(row, str(source), error.got or error.what)


def ahead(
    stream: Iterable[tuple[int, Source]],
    prepare: Callable[[Source], Any],
    *,
    window: Callable[[], int],
    workers: int | None = None,
) -> Iterator[tuple[int, Any] | Failed]:
    """Items in the order given, prepared by a pool of threads while the caller computes.

    Args:
        stream: (row, source) pairs; read as far ahead as the window.
        prepare: source -> item, e.g. decoded pixels; InputError and WorkspaceError make the row
            ``Failed``.
        window: how many items may be prepared and not yet taken; bounds the memory.
        workers: threads; one a core when None.

    Yields:
        (row, item) pairs, and ``Failed`` rows in their places.
    """
    source = iter(stream)
    pending: deque[Future[list[tuple[int, Any] | Failed]]] = deque()
    with ThreadPoolExecutor(workers or threads(), thread_name_prefix="decode") as pool:
        try:
            while True:
                while len(pending) * _CHUNK < max(window(), _CHUNK):
                    chunk = list(islice(source, _CHUNK))
                    if not chunk:
                        break
                    pending.append(pool.submit(_chunk, chunk, prepare))
                if not pending:
                    return
                yield from pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _chunk(
    chunk: list[tuple[int, Source]], prepare: Callable[[Source], Any]
) -> list[tuple[int, Any] | Failed]:
    found: list[tuple[int, Any] | Failed] = []
    for row, source in chunk:
        result = prepared(row, source, prepare)
        found.append(result if isinstance(result, Failed) else (row, result))
    return found
