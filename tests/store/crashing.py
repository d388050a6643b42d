"""What the processes of the crash tests do until they are killed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from store.jobs import Lost
from store.workspace import Workspace

PART = 9
ENDLESS = 10**9


def vectors_of(rows: Any) -> Any:
    """A vector that belongs to a row."""
    angle = np.asarray(rows, dtype=np.float64)[:, None] * 0.01 * np.arange(1, 5)
    raw = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


def part_of(workspace: Workspace, start: int, total: int) -> tuple[pa.Table, pa.Table]:
    """Items from ``start`` on, and two before it again, each with its bytes and two captions."""
    numbers = list(range(max(0, start - 2), min(total, start + PART)))
    sources = workspace.tables.put_blob("d", [f"bytes of {n}".encode() for n in numbers])
    items = {
        "item": [f"i{n}" for n in numbers],
        "number": numbers,
        "uri": [s.uri for s in sources],
        "offset": [s.offset for s in sources],
        "length": [s.length for s in sources],
    }
    captions = {
        "item_index": [i for i in range(len(numbers)) for _ in range(2)],
        "text": [f"caption {k} of {n}" for n in numbers for k in range(2)],
    }
    return pa.table(items), pa.table(captions)


def work(root: Path, worker: str, total: int, started: Any) -> None:
    """Import, embed and report until ``total`` items are there."""
    with Workspace.open(root) as workspace:
        workspace.catalog.ensure_dataset("d", importer="x", source="y")
        started.send(worker)
        while True:
            job = workspace.jobs.claim(worker)
            if job is None:
                return
            try:
                _run(workspace, job.id, worker, total)
                workspace.jobs.finish(job.id, worker, {"items": total})
            except Lost:
                continue


def _run(workspace: Workspace, job: int, worker: str, total: int) -> None:
    while True:
        start = workspace.catalog.dataset("d").items
        if start < total:
            skipped = [(f"bad{start}", "broken")]
            workspace.tables.append(
                "d", *part_of(workspace, start, total), job_id=job, done=start, skipped=skipped
            )
        for first, stop in workspace.vectors.missing("d", "m", "image"):
            stop = min(stop, first + PART)  # noqa: PLW2901
            vectors = vectors_of(range(first, stop))
            workspace.vectors.write("d", "m", "image", first, vectors, job_id=job)
        workspace.catalog.set_setting("last", start)
        workspace.jobs.beat(job, worker, done=start, total=total)
        if start >= total and not workspace.vectors.missing("d", "m", "image"):
            return


def create(root: Path, started: Any) -> None:
    """Make a workspace."""
    started.send("go")
    Workspace.open(root).close()


def claim(root: Path, worker: str, together: Any, results: Any) -> None:
    """Take and finish jobs until none is left; send their numbers."""
    taken = []
    with Workspace.open(root) as workspace:
        together.wait(30)
        while (job := workspace.jobs.claim(worker)) is not None:
            taken.append(job.id)
            workspace.jobs.beat(job.id, worker, done=1)
            workspace.jobs.finish(job.id, worker)
            time.sleep(0.002)  # the work itself, during which the others find the table free
    results.send(taken)
