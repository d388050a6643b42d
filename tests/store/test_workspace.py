"""Opening a workspace: new, old, newer, damaged, foreign."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from store.database import STATE
from store.schema import APPLICATION_ID, MIGRATIONS
from store.workspace import Workspace
from workbench.errors import InputError, WorkspaceDamaged, WorkspaceError, WorkspaceNewer


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A workspace with a dataset, closed."""
    root = tmp_path / "ws"
    with Workspace.open(root) as workspace:
        workspace.catalog.ensure_dataset("birds", importer="folder", source="/x")
        workspace.tables.append("birds", pa.table({"item": ["a", "b"]}))
    return root


def test_a_new_workspace_is_one_private_file(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "deep" / "ws") as workspace:
        assert [p.name for p in workspace.root.iterdir() if p.suffix == ".sqlite"] == [STATE]
        assert stat.S_IMODE((workspace.root / STATE).stat().st_mode) == 0o600
        assert workspace.catalog.datasets() == ()
    assert not list(workspace.root.glob(".tmp-*"))


def test_what_is_written_is_there_after_reopening(closed: Path) -> None:
    with Workspace.open(closed, create=False) as workspace:
        assert workspace.catalog.dataset("birds").items == 2
        assert workspace.tables.items("birds", columns=["row", "item"]).to_pylist() == [
            {"row": 0, "item": "a"},
            {"row": 1, "item": "b"},
        ]


def test_an_empty_folder_becomes_a_workspace(tmp_path: Path) -> None:
    with Workspace.open(tmp_path) as workspace:
        assert (workspace.root / STATE).is_file()


def test_a_draft_of_a_killed_creation_does_not_stand_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".tmp-999999-abcd-state.sqlite").write_bytes(b"half")
    Workspace.open(tmp_path).close()


def test_nothing_is_created_when_not_asked_to(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an existing workspace"):
        Workspace.open(tmp_path / "ws", create=False)
    assert not (tmp_path / "ws").exists()


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("important")
    with pytest.raises(InputError, match=r"no workspace.*thesis\.tex"):
        Workspace.open(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="a folder"):
        Workspace.open(tmp_path / "file")


def test_a_workspace_without_its_state_is_damaged_not_new(closed: Path) -> None:
    (closed / STATE).unlink()
    before = fingerprint(closed)
    with pytest.raises(WorkspaceDamaged, match="missing from a workspace"):
        Workspace.open(closed)
    assert fingerprint(closed) == before


def test_a_newer_workspace_is_refused_and_unchanged(closed: Path) -> None:
    with closing(sqlite3.connect(closed / STATE)) as connection:
        connection.execute(f"pragma user_version={len(MIGRATIONS) + 1}")
    before = fingerprint(closed)
    with pytest.raises(WorkspaceNewer, match="Update Workbench"):
        Workspace.open(closed)
    assert fingerprint(closed) == before


def test_a_newer_schema_that_is_still_in_the_log_is_refused_too(closed: Path) -> None:
    """A newer version was killed after its migration: the file's header is still the old one."""
    if os.fork() == 0:
        connection = sqlite3.connect(closed / STATE)
        connection.execute(f"pragma user_version={len(MIGRATIONS) + 1}")
        connection.commit()
        os._exit(0)  # as a kill: nothing is folded back into the file
    os.wait()
    header = (closed / STATE).read_bytes()[60:64]
    assert int.from_bytes(header, "big") == len(MIGRATIONS)
    with pytest.raises(WorkspaceNewer):
        Workspace.open(closed)


@pytest.mark.parametrize("content", [b"", b"short", b"no database at all" * 100])
def test_a_file_that_is_no_database_is_refused(closed: Path, content: bytes) -> None:
    (closed / STATE).write_bytes(content)
    before = fingerprint(closed)
    with pytest.raises(WorkspaceDamaged, match="not a SQLite database"):
        Workspace.open(closed)
    assert fingerprint(closed) == before


def test_a_database_of_something_else_is_refused(closed: Path) -> None:
    with closing(sqlite3.connect(closed / STATE)) as connection:
        connection.execute(f"pragma application_id={APPLICATION_ID + 1}")
    with pytest.raises(WorkspaceDamaged, match="another application"):
        Workspace.open(closed)


def test_overwritten_pages_are_found_and_nothing_changes(closed: Path) -> None:
    state = closed / STATE
    data = bytearray(state.read_bytes())
    for page in range(1, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    state.write_bytes(bytes(data))
    before = fingerprint(closed)
    with pytest.raises(WorkspaceDamaged, match="Restore the file from a backup"):
        Workspace.open(closed)
    after = fingerprint(closed)
    after.pop(f"{STATE}-shm", None)  # SQLite's side files, of a reader: without content
    assert (closed / f"{STATE}-wal").stat().st_size == 0 if after.pop(f"{STATE}-wal", "") else True
    assert after == before


def test_a_truncated_database_is_found(closed: Path) -> None:
    state = closed / STATE
    state.write_bytes(state.read_bytes()[: 4096 * 3])
    with pytest.raises(WorkspaceDamaged):
        Workspace.open(closed)


def test_damage_that_appears_while_open_is_said_in_words(workspace: Workspace) -> None:
    workspace.close()
    state = workspace.root / STATE
    state.write_bytes(b"x" * state.stat().st_size)
    with pytest.raises(WorkspaceDamaged, match="Restore the file"):
        workspace.catalog.datasets()


def test_a_folder_that_vanishes_while_open_is_said_in_words(workspace: Workspace) -> None:
    workspace.close()
    (workspace.root / STATE).unlink()
    with pytest.raises(WorkspaceError, match="cannot be used"):
        workspace.catalog.datasets()


def test_many_processes_may_create_the_same_workspace(tmp_path: Path) -> None:
    root, children = tmp_path / "ws", []
    for number in range(4):
        child = os.fork()
        if child == 0:
            try:
                with Workspace.open(root) as workspace:
                    workspace.catalog.ensure_dataset(f"d{number}", importer="x", source="y")
                os._exit(0)
            except BaseException:
                os._exit(1)
        children.append(child)
    assert all(os.waitpid(child, 0)[1] == 0 for child in children)
    with Workspace.open(root) as workspace:
        assert [d.name for d in workspace.catalog.datasets()] == ["d0", "d1", "d2", "d3"]
    assert not list(root.glob(".tmp-*"))


def test_threads_have_their_own_connections(workspace: Workspace) -> None:
    def work(number: int) -> None:
        for step in range(10):
            workspace.catalog.set_setting(f"{number}-{step}", step)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(workspace.catalog.setting(f"{n}-{s}") == s for n in range(4) for s in range(10))


def test_a_fork_is_told_to_open_the_workspace_itself(workspace: Workspace) -> None:
    child = os.fork()
    if child == 0:
        try:
            workspace.catalog.datasets()
        except WorkspaceError as error:
            os._exit(7 if "fork" in str(error) else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert workspace.catalog.dataset("birds").items == 0


@pytest.mark.parametrize("name", ["a [1] *", "quote ' and \" üñ", "semi;colon -- x"])
def test_the_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    with Workspace.open(tmp_path / name) as workspace:
        workspace.catalog.ensure_dataset("birds", importer="folder", source="/x")
        workspace.tables.append("birds", pa.table({"item": ["a"], "n": [1]}))
        assert workspace.tables.items("birds", columns=["n"]).to_pylist() == [{"n": 1}]
        workspace.tables.duckdb_file(tmp_path / name / "views.duckdb")
