"""Processes killed at random moments: what is there is whole, exact, and goes on."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from store import gc
from store.doctor import check
from store.workspace import Workspace
from tests.store import crashing
from tests.store.crashing import vectors_of

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.store.crashing", "pyarrow.parquet"])


def start(target: object, *arguments: object) -> tuple[multiprocessing.Process, object]:
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=target, args=(*arguments, theirs))  # type: ignore[arg-type]
    process.start()
    theirs.close()
    return process, ours  # type: ignore[return-value]


def kill_soon(process: multiprocessing.Process, seconds: float) -> None:
    process.join(seconds)
    process.kill()
    process.join()


def exact(workspace: Workspace) -> int:
    """Every row that is there is the right one; returns how many there are."""
    info = workspace.catalog.dataset("d")
    table = workspace.tables.items("d")
    assert table.num_rows == info.items
    assert table["row"].to_pylist() == list(range(info.items))
    if info.items:
        assert table["number"].to_pylist() == list(range(info.items))
        last = table.slice(info.items - 1).to_pylist()[0]
        data = workspace.read_image(last["uri"], last["offset"], last["length"])
        assert data == f"bytes of {info.items - 1}".encode()
    captions = workspace.tables.captions("d").to_pylist()
    assert [(c["item_row"], c["text"]) for c in captions] == [
        (n, f"caption {k} of {n}") for n in range(info.items) for k in range(2)
    ]
    lacking = {r for a, b in workspace.vectors.missing("d", "m", "image") for r in range(a, b)}
    have = [row for row in range(info.items) if row not in lacking]
    if have:
        stored = workspace.vectors.take("d", "m", "image", have)
        np.testing.assert_allclose(stored, vectors_of(have), atol=1e-3)
    return info.items


@pytest.mark.faults
def test_killed_at_random_moments_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    root, dice = tmp_path / "ws", random.Random(1)
    with Workspace.open(root) as workspace:
        workspace.catalog.ensure_dataset("d", importer="x", source="y")
        job = workspace.jobs.submit("import", {"dataset": "d"}, title="t").id
    counts = [0]
    for turn in range(20):
        process, started = start(crashing.work, root, f"w{turn}", crashing.ENDLESS)
        started.recv()  # type: ignore[attr-defined]
        kill_soon(process, dice.uniform(0.0, 0.35))
        assert process.exitcode == -9
        with Workspace.open(root) as workspace:
            counts.append(exact(workspace))
            assert [f for f in check(workspace) if not f.harmless] == []
            workspace.jobs.requeue_lost(timeout_s=0)
    assert counts == sorted(counts)
    total = counts[-1] + 30
    process, started = start(crashing.work, root, "last", total)
    process.join(60)
    with Workspace.open(root) as workspace:
        assert exact(workspace) == total
        assert workspace.vectors.missing("d", "m", "image") == []
        done = workspace.jobs.get(job)
        assert (done.state, done.result) == ("done", {"items": total})
        assert done.attempts > 1
        gc.collect(workspace)
        assert check(workspace) == ()
        assert exact(workspace) == total


@pytest.mark.faults
def test_killed_while_it_is_created_a_workspace_can_be_opened(tmp_path: Path) -> None:
    dice = random.Random(2)
    for turn in range(8):
        root = tmp_path / str(turn)
        process, started = start(crashing.create, root)
        started.recv()  # type: ignore[attr-defined]
        kill_soon(process, dice.uniform(0.0, 0.03))
        with Workspace.open(root) as workspace:
            assert workspace.catalog.datasets() == ()
            gc.tidy(workspace)
            assert check(workspace) == ()
            assert not list(root.glob(".tmp-*"))


def test_three_processes_claim_three_hundred_jobs_exactly_once(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    with Workspace.open(root) as workspace:
        ids = [workspace.jobs.submit("k", {"n": n}, title="t").id for n in range(300)]
    began = time.monotonic()
    together = CONTEXT.Barrier(3)
    processes = [start(crashing.claim, root, f"w{n}", together) for n in range(3)]
    taken = [pipe.recv() for _, pipe in processes]  # type: ignore[attr-defined]
    for process, _ in processes:
        process.join()
        assert process.exitcode == 0
    counts = Counter(job for jobs in taken for job in jobs)
    assert counts == Counter(ids)
    assert min(map(len, taken)) > 0, f"one did everything in {time.monotonic() - began:.1f} s"
    with Workspace.open(root) as workspace:
        assert Counter(j.state for j in workspace.jobs.list(limit=1000)) == {"done": 300}
        assert all(j.attempts == 1 for j in workspace.jobs.list(limit=1000))
