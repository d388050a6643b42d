"""Migrations: each once, all or none, from every older version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from store import database, schema
from store.database import STATE
from store.workspace import Workspace

STEP = "create table extra (x integer) strict;\ninsert into extra values (1);\n"


def use(monkeypatch: pytest.MonkeyPatch, *steps: str) -> None:
    monkeypatch.setattr(database, "MIGRATIONS", (*schema.MIGRATIONS, *steps))


def schema_of(root: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(root / STATE)) as connection:
        return connection.execute("select name, sql from sqlite_schema order by name").fetchall()


def version_of(root: Path) -> int:
    with closing(sqlite3.connect(root / STATE)) as connection:
        return int(connection.execute("pragma user_version").fetchone()[0])


def test_an_older_workspace_gets_the_steps_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workspace.open(tmp_path / "old") as workspace:
        workspace.catalog.set_setting("kept", [1, 2])
    use(monkeypatch, STEP, "alter table extra add column y text;\n")
    for _ in range(2):  # the second time there is nothing to do
        with Workspace.open(tmp_path / "old") as workspace:
            assert workspace.catalog.setting("kept") == [1, 2]
            rows = workspace.database.all("select * from extra")
            assert [tuple(row) for row in rows] == [(1, None)]
    Workspace.open(tmp_path / "new").close()
    assert schema_of(tmp_path / "old") == schema_of(tmp_path / "new")
    assert version_of(tmp_path / "old") == len(schema.MIGRATIONS) + 2


def test_a_step_that_fails_leaves_the_old_version_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace.open(tmp_path).close()
    before = schema_of(tmp_path)
    use(monkeypatch, STEP, "create table broken (x integer) strict;\nnonsense;\n")
    with pytest.raises(sqlite3.OperationalError, match="nonsense"):
        Workspace.open(tmp_path)
    assert schema_of(tmp_path) == before
    assert version_of(tmp_path) == len(schema.MIGRATIONS)
    monkeypatch.undo()
    Workspace.open(tmp_path).close()


def test_statements_with_inner_semicolons_stay_whole() -> None:
    trigger = (
        "create trigger t after insert on a begin\n  update b set x = 1;\n"
        "  delete from c where y = ';';\nend;\n"
    )
    assert list(database._statements(trigger + "select 1;\n")) == [trigger, "select 1;\n"]
