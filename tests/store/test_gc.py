"""What the cleaner takes, and what it leaves alone."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

from store import gc
from store.files import draft
from store.workspace import Workspace
from workbench.types import WorkerInfo

DEAD = 4_194_999
"""Above the largest process number of Linux."""

HOUR_AGO = time.time() - 3700


def make(path: Path, *, old: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"12345")
    if old:
        os.utime(path, (HOUR_AGO, HOUR_AGO))
    return path


def worker(workspace: Workspace) -> None:
    now = time.time()
    workspace.workers.register(
        WorkerInfo("w", 1, "h", "grpc://x", "t", "cpu", "fp32", False, 0, 0, None, (), now, now)
    )


@pytest.mark.parametrize("folder", ["", "tables/birds", "media", "thumbs/ab", "run", "reports"])
def test_drafts_of_dead_processes_are_taken_wherever_they_lie(
    workspace: Workspace, folder: str
) -> None:
    dead = make(workspace.root / folder / f".tmp-{DEAD}-aa-x.npy")
    living = make(workspace.root / folder / f".tmp-{os.getpid()}-aa-x.npy")
    ancient = make(workspace.root / folder / f".tmp-{os.getpid()}-bb-x.npy", old=True)
    assert gc.leftovers(workspace) == tuple(sorted([dead, ancient]))
    assert gc.tidy(workspace) == 10
    assert living.exists()


def test_a_draft_that_is_being_written_is_left_alone_however_old(workspace: Workspace) -> None:
    """Also when the process number means nothing here, as in another container."""
    path = make(workspace.root / "tables" / f".tmp-{DEAD}-aa-x.parquet", old=True)
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert gc.collect(workspace) == 0
    with draft(workspace.root, "tables") as writing:
        os.utime(writing.path, (HOUR_AGO, HOUR_AGO))
        assert gc.collect(workspace) == 5
        assert writing.path.exists()


def test_what_takes_long_to_make_is_kept_while_a_worker_may_be_about_to_name_it(
    workspace: Workspace,
) -> None:
    costly = [make(workspace.root / f / "x.bin") for f in ("media/d", "models/k", "indexes/d/m")]
    old = make(workspace.root / "media" / "d" / "old.bin", old=True)
    cheap = make(workspace.root / "tables" / "d" / "items-0-x.parquet")
    worker(workspace)
    assert gc.orphans(workspace) == (old, cheap)
    gc.collect(workspace)
    assert all(path.exists() for path in costly)
    workspace.workers.remove("w")
    workspace.jobs.submit("import", {}, title="t")
    workspace.jobs.claim("w")
    assert gc.orphans(workspace) == ()
    workspace.jobs.finish(1, "w")
    assert gc.collect(workspace) == 15
    assert not any(path.exists() for path in costly)


def test_files_that_are_named_stay(workspace: Workspace) -> None:
    workspace.tables.append("birds", pa.table({"item": ["a"]}))
    assert gc.collect(workspace) == 0
    assert workspace.tables.items("birds")["item"].to_pylist() == ["a"]


def test_a_file_that_is_named_after_it_was_listed_stays(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with draft(workspace.root, "models/k", "x.bin") as target:
        target.path.write_bytes(b"weights")
        stored = target.place("model", "w", ".bin")
    listed = gc.unnamed(workspace, spare_costly=True)
    assert [p.name for p in listed] == [Path(stored.path).name]
    with workspace.database.write() as connection:
        connection.execute(
            "insert into files values (?, 'model', 7, ?, null, 0)", (stored.path, stored.digest)
        )
    monkeypatch.setattr(gc, "unnamed", lambda *_, **__: listed)
    assert gc.collect(workspace) == 0
    assert listed[0].exists()


def test_spill_files_of_dead_processes_are_taken(workspace: Workspace) -> None:
    dead = make(workspace.root / "run" / f"duckdb-{DEAD}" / "x.tmp")
    living = make(workspace.root / "run" / f"duckdb-{os.getpid()}" / "x.tmp")
    gc.tidy(workspace)
    assert not dead.parent.exists()
    assert living.exists()


def test_what_belongs_to_nobody_else_is_never_touched(workspace: Workspace) -> None:
    kept = [
        make(workspace.root / name, old=True)
        for name in (
            "notes.txt",
            "logs/job-1.log",
            "reports/a.json",
            "run/app-1",
            "thumbs/ab/c.webp",
        )
    ]
    gc.collect(workspace)
    assert all(path.exists() for path in kept)


def test_item_ids_of_deleted_datasets_are_forgotten_in_small_steps(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.catalog._REMOVED_AT_ONCE", 3)
    assert workspace.catalog.forget_items() == 0
    workspace.catalog.ensure_dataset("fish", importer="x", source="y")
    for name in ("birds", "fish"):
        workspace.tables.append(name, pa.table({"item": [f"i{n}" for n in range(10)]}))
    with workspace.database.write() as connection:  # killed right after the deletion
        connection.execute("delete from datasets where name='birds'")
        connection.execute("delete from files where dataset='birds'")
    gc.collect(workspace)
    assert len(workspace.database.all("select * from items")) == 10
    assert workspace.tables.count("fish") == 10
