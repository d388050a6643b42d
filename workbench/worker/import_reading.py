"""Reads a source ahead of the import, and decodes its images in parallel, in order."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from itertools import islice

from workbench.errors import BadImage
from workbench.importers.image import probe
from workbench.importers.importer import Skipped
from workbench.importers.location import read
from workbench.types import Record
from workbench.worker.import_tables import Item

__all__ = ["ahead", "examine", "in_parallel", "threads"]

_BATCH, _UNDER_WAY = 8, 3
"""Images that a thread decodes before it reports, and such batches under way per thread. One by
one, small images would spend more time on being handed over than on being decoded."""
_CHUNK_ENTRIES, _CHUNK_BYTES = 256, 64 * 2**20
_PATIENCE = 0.2

Entry = Record | Skipped


def threads() -> int:
    """Threads that decode: one for each core that this process may use, at most 16."""
    return min(16, len(os.sched_getaffinity(0)))


def ahead(entries: Iterable[Entry], check: Callable[[], None]) -> Iterator[list[Entry]]:
    """The entries in lists of up to 256 (or 64 MiB), read by a thread of its own.

    A source may take long to give its next entry (a large JSON file, a slow disk). Here one
    always learns within a fraction of a second that the job shall stop.

    Args:
        entries: read to the end, in order; what it raises is raised here.
        check: called while waiting; raises when the job shall stop.
    """
    ready: queue.Queue[list[Entry] | BaseException | None] = queue.Queue(maxsize=2)
    stop = threading.Event()

    def put(thing: list[Entry] | BaseException | None) -> None:
        while not stop.is_set():
            try:
                ready.put(thing, timeout=_PATIENCE)
            except queue.Full:
                continue
            break

    def fill() -> None:
        try:
            for chunk in _chunks(entries):
                put(chunk)
                if stop.is_set():
                    return
            put(None)
        except BaseException as error:  # handed to the thread that imports
            put(error)

    threading.Thread(target=fill, name="import-reader", daemon=True).start()
    try:
        while True:
            check()
            try:
                chunk = ready.get(timeout=_PATIENCE)
            except queue.Empty:
                continue
            if chunk is None:
                return
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
    finally:
        stop.set()


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    chunk: list[Entry] = []
    size = 0
    for entry in entries:
        chunk.append(entry)
        size += len(entry.data or b"") if isinstance(entry, Record) else 0
        if len(chunk) >= _CHUNK_ENTRIES or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def examine(record: Record) -> Item | Skipped:
    """Read and decode one record's image; what cannot be used is skipped with its reason."""
    try:
        if record.data is not None:
            data = record.data
        elif record.source is not None:
            data = read(record.source)
        else:
            return Item(record)
        info = probe(data, name=record.key)
    except BadImage as error:
        return Skipped(record.key, error.got)
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    return Item(record, record.source, info, len(data), digest)


def in_parallel(
    entries: Iterable[Entry], check: Callable[[], None]
) -> Generator[tuple[Entry, Item | Skipped], None, None]:
    """Each entry with what came of it, in order; a few batches of eight a thread are under way.

    Args:
        entries: records are examined, skipped ones passed on.
        check: called while waiting; raises when the job shall stop, which does not wait for the
            images under way.
    """
    pool = ThreadPoolExecutor(threads(), thread_name_prefix="import-decoder")
    under_way: deque[Future[list[tuple[Entry, Item | Skipped]]]] = deque()
    try:
        for batch in _batches(entries):
            under_way.append(pool.submit(_examine_all, batch))
            if len(under_way) >= _UNDER_WAY * threads():
                yield from _finished(under_way.popleft(), check)
        while under_way:
            yield from _finished(under_way.popleft(), check)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    remaining = iter(entries)
    while batch := list(islice(remaining, _BATCH)):
        yield batch


def _examine_all(batch: list[Entry]) -> list[tuple[Entry, Item | Skipped]]:
    return [(e, examine(e) if isinstance(e, Record) else e) for e in batch]


def _finished(
    results: Future[list[tuple[Entry, Item | Skipped]]], check: Callable[[], None]
) -> list[tuple[Entry, Item | Skipped]]:
    while True:
        check()
        try:
            return results.result(timeout=_PATIENCE)
        except TimeoutError:
            continue
