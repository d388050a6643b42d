"""The doctor finds each kind of damage, says what to do, and changes nothing."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from store import gc
from store.doctor import Finding, check
from store.workspace import Workspace
from tests.store.model_card import MODEL

KINDS = ("items", "captions", "media", "vectors", "model", "run")


@pytest.fixture
def full(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with a file of every kind, and one image outside it."""
    outside = tmp_path / "image.png"
    outside.write_bytes(b"png")
    (blob,) = workspace.tables.put_blob("birds", [b"bytes"])
    items = {
        "item": ["a", "b"],
        "uri": [str(outside), blob.uri],
        "offset": [0, 0],
        "length": [-1, 5],
    }
    captions = {"item_index": [0], "text": ["x"]}
    workspace.tables.append("birds", pa.table(items), pa.table(captions))
    workspace.vectors.write("birds", "m", "image", 0, np.eye(2, 4, dtype=np.float32))
    folder = workspace.catalog.model_folder(MODEL.key)
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(b"weights")
    workspace.catalog.add_model(MODEL)
    workspace.runs.publish("k", {"dataset": "birds"}, {}, {"t": pa.table({"x": [1]})})
    return workspace


def fingerprint(root: Path) -> dict[str, Any]:
    files = [p for p in sorted(root.rglob("*")) if p.is_file() and "sqlite" not in p.name]
    return {str(p): (p.stat().st_mtime_ns, hashlib.md5(p.read_bytes()).hexdigest()) for p in files}


def path_of(workspace: Workspace, kind: str) -> Path:
    row = workspace.database.one("select path from files where kind=?", (kind,))
    assert row is not None, kind
    return workspace.root / row["path"]


def kinds(found: tuple[Finding, ...]) -> list[str]:
    return [finding.kind for finding in found]


def test_a_whole_workspace_has_no_findings(full: Workspace) -> None:
    before = fingerprint(full.root)
    assert check(full) == check(full, deep=False) == ()
    assert fingerprint(full.root) == before
    assert gc.orphans(full) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_file_is_found(full: Workspace, kind: str) -> None:
    path = path_of(full, kind)
    path.unlink()
    for deep in (True, False):
        (found,) = check(full, deep=deep)
        assert (found.kind, found.path) == ("missing", path.relative_to(full.root).as_posix())
        assert not found.harmless
        assert found.do.endswith((".", "again."))


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_found(full: Workspace, kind: str) -> None:
    path = path_of(full, kind)
    size = path.stat().st_size
    os.truncate(path, size - 1)
    for deep in (True, False):
        found = check(full, deep=deep)
        assert kinds(found) == ["truncated"]
        assert f"{size - 1:,} of {size:,} bytes" in found[0].what


@pytest.mark.parametrize("kind", KINDS)
def test_an_altered_file_is_found_by_its_checksum(full: Workspace, kind: str) -> None:
    path = path_of(full, kind)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    assert check(full, deep=False) == ()
    assert "checksum" in kinds(check(full))


def test_a_file_that_has_grown_is_found(full: Workspace) -> None:
    with path_of(full, "media").open("ab") as file:
        file.write(b"more")
    (found,) = check(full, deep=False)
    assert (found.kind, "4 more than were written" in found.what) == ("checksum", True)


def test_a_source_that_has_gone_is_found(full: Workspace, tmp_path: Path) -> None:
    (tmp_path / "image.png").unlink()
    (found,) = check(full)
    assert (found.kind, found.path) == ("source-gone", str(tmp_path / "image.png"))
    assert check(full, deep=False) == ()


def test_many_gone_sources_are_counted(workspace: Workspace) -> None:
    uris = [f"/nowhere/{n:03}.png" for n in range(50)]
    workspace.tables.append("birds", pa.table({"item": uris, "uri": uris}))
    found = check(workspace)
    assert kinds(found) == ["source-gone"] * 21
    assert found[-1].what == "30 more files of 'birds' are gone"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("update datasets set items=items+1", "the catalog counts 3"),
        ("update datasets set captions=0", "the catalog counts 0"),
        ("update parts set start=start+1, stop=stop+1 where side='image'", "not covered once"),
        ("delete from items where item='a'", "2 items and 1 item ids"),
        ("update vectors set stop=9", "overlap or do not exist"),
        ("update vectors set dim=5", "its shape is"),
        ("update parts set stop=stop+5 where side='caption'", "it has 1 rows"),
    ],
)
def test_a_catalog_that_contradicts_itself_or_a_file_is_found(
    full: Workspace, sql: str, words: str
) -> None:
    with full.database.write() as connection:
        connection.execute(sql)
    found = [f for f in check(full) if words in f.what]
    assert [f.kind for f in found] == ["catalog"]


def test_a_row_that_names_nothing_is_found(full: Workspace) -> None:
    with closing(sqlite3.connect(full.database.path)) as connection:  # foreign keys off
        connection.execute("delete from files where kind='vectors'")
        connection.commit()
    found = check(full)
    assert kinds(found) == ["catalog", "orphan"]
    assert "a row of vectors names a row of files that is not there" in found[0].what


def test_orphans_and_leftovers_are_harmless_and_removed(full: Workspace) -> None:
    orphan = full.root / "tables" / "birds" / "items-9-abc.parquet"
    orphan.write_bytes(b"12345")
    dead = full.root / "vectors" / "birds" / ".tmp-4194999-00-shard.npy"
    dead.write_bytes(b"123")
    found = check(full)
    assert sorted(kinds(found)) == ["leftover", "orphan"]
    assert all(f.harmless for f in found)
    assert gc.orphans(full) == (orphan, dead)
    assert gc.collect(full) == 8
    assert check(full) == ()


def test_what_is_deleted_becomes_orphans_that_can_be_collected(full: Workspace) -> None:
    full.catalog.delete_dataset("birds")
    full.catalog.remove_model(MODEL.name)
    found = check(full)
    assert kinds(found) == ["orphan"] * len(KINDS)
    assert all(f.harmless for f in found)
    assert gc.collect(full) > 0
    assert check(full) == ()
    assert [p.name for p in full.root.iterdir() if p.is_dir()] == []


def test_replaced_model_files_are_checked_anew(full: Workspace) -> None:
    path_of(full, "model").write_bytes(b"other weights")
    assert kinds(check(full)) == ["checksum"]
    full.catalog.add_model(replace(MODEL, note="new"))
    assert check(full) == ()
