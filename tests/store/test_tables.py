"""Taking rows, captions, pages: also while parts come, and where tables do not fit in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from store.tables import Tables
from store.workspace import Workspace
from workbench.errors import InputError, UnknownName, WorkspaceDamaged
from workbench.filters import Filter, parse


def part(start: int, stop: int, **columns: Any) -> tuple[pa.Table, pa.Table]:
    """Items iSTART.. with a number, and as many captions as number % 3."""
    numbers = list(range(start, stop))
    pairs = [(n - start, f"text {n} {k}") for n in numbers for k in range(n % 3)]
    captions = {"item_index": [i for i, _ in pairs], "text": [t for _, t in pairs]}
    return pa.table({"item": [f"i{n}" for n in numbers], "n": numbers, **columns}), pa.table(
        captions
    )


@pytest.fixture(params=["memory", "files"])
def tables(workspace: Workspace, request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Tables with 100 items in four parts, kept in memory or too large for it."""
    for start in range(0, 100, 25):
        workspace.tables.append("birds", *part(start, start + 25))
    hot = 10**6 if request.param == "memory" else 10
    tables = Tables(workspace.root, workspace.catalog, hot_rows=hot)
    yield tables
    tables.close()


def test_rows_are_taken_in_the_given_order_with_repeats(tables: Tables) -> None:
    rows = [99, 0, 50, 50, 3]
    taken = tables.take("birds", rows)
    assert taken["row"].to_pylist() == rows
    assert taken["n"].to_pylist() == rows
    assert tables.take("birds", np.array(rows), ["n", "item"]).to_pylist() == [
        {"n": n, "item": f"i{n}"} for n in rows
    ]
    assert tables.take("birds", []).num_rows == 0


@pytest.mark.parametrize("row", [-1, 100, 2**40])
def test_a_row_that_does_not_exist_is_named(tables: Tables, row: int) -> None:
    for question in (tables.take, tables.captions_of):
        with pytest.raises(InputError, match=f"rows 0 to 99, got {row}"):
            question("birds", [0, row])
    with pytest.raises(InputError, match=f"rows 0 to 98, got {row}"):
        tables.captions("birds", [row])


def test_an_unknown_column_is_named(tables: Tables) -> None:
    with pytest.raises(UnknownName, match="unknown column 'N'"):
        tables.take("birds", [0], ["N"])


def test_pages_walk_through_everything_once(tables: Tables) -> None:
    where = (parse("n>=10"),)
    pages = [
        tables.items("birds", where, sort=[("n", "desc")], limit=7, offset=at, columns=["n"])
        for at in range(0, tables.count("birds", where), 7)
    ]
    assert [n for page in pages for n in page["n"].to_pylist()] == list(range(99, 9, -1))


@pytest.mark.parametrize("page", [{"limit": -1}, {"offset": -1}])
def test_negative_pages_are_refused(tables: Tables, page: dict[str, int]) -> None:
    with pytest.raises(InputError, match="limit and offset of 0 or more"):
        tables.items("birds", **page)


def test_captions_know_their_items(tables: Tables) -> None:
    expected = [(n, f"text {n} {k}") for n in range(100) for k in range(n % 3)]
    everything = tables.captions("birds")
    assert everything["row"].to_pylist() == list(range(len(expected)))
    assert (
        list(zip(*(everything[c].to_pylist() for c in ("item_row", "text")), strict=True))
        == expected
    )
    assert tables.caption_items("birds").tolist() == [n for n, _ in expected]
    some = tables.captions("birds", [5, 0, 5]).to_pylist()
    assert [(r["item_row"], r["text"]) for r in some] == [expected[i] for i in (5, 0, 5)]
    of = tables.captions_of("birds", [5, 3, 1])
    assert {row: [text for _, text in found] for row, found in of.items()} == {
        5: ["text 5 0", "text 5 1"],
        3: [],
        1: ["text 1 0"],
    }
    assert all(expected[row] == (n, text) for n, found in of.items() for row, text in found)


def test_caption_rows_follow_the_filter_on_items(tables: Tables) -> None:
    items = tables.caption_items("birds")
    found = tables.caption_rows("birds", (parse("n<20"),))
    assert found.tolist() == np.flatnonzero(items < 20).tolist()
    assert tables.caption_rows("birds").tolist() == list(range(len(items)))


def test_an_empty_dataset_answers_everything(workspace: Workspace) -> None:
    tables = workspace.tables
    assert tables.count("birds") == 0
    assert tables.rows("birds", (Filter("label", "not null"),)).tolist() == []
    assert tables.items("birds", sort=[("label", "asc")], limit=5).num_rows == 0
    assert tables.captions("birds").num_rows == tables.caption_items("birds").size == 0
    assert tables.facets("birds", "label") == []
    assert tables.histogram("birds", "width") == ([0.0, 1.0], [0])
    assert {c.name: c.distinct for c in tables.columns("birds")}["label"] == 0
    assert tables.report("birds").items == 0
    with pytest.raises(InputError, match="there is none"):
        tables.take("birds", [0])


def test_new_parts_appear_at_once_whatever_columns_they_bring(tables: Tables) -> None:
    assert tables.count("birds", (parse("n>=0"),)) == 100
    steps: list[tuple[dict[str, Any], Any]] = [
        ({}, None),  # the same columns: added to what is in memory
        ({"extra": [1, 2]}, [1, 2]),  # a new column
        ({"extra": [1.5, 2.5]}, [1.5, 2.5]),  # a wider type
        ({"extra": ["x", "y"]}, ["x", "y"]),  # the widest
        ({"EXTRA": ["z", "w"]}, ["z", "w"]),  # names are equal ignoring case
    ]
    for number, (columns, expected) in enumerate(steps):
        start = 100 + 2 * number
        tables.append("birds", *part(start, start + 2, **columns))
        assert tables.count("birds", (parse("n>=0"),)) == start + 2
        last = tables.items("birds", offset=start)
        assert last["n"].to_pylist() == [start, start + 1]
        if expected:
            assert last["extra"].to_pylist() == expected
        assert tables.captions("birds")["item_row"].to_pylist()[-1] == max(
            n for n in range(start + 2) if n % 3
        )
    values = tables.items("birds", columns=["extra"], offset=100)["extra"].to_pylist()
    assert [str(float(v)) if i < 6 and v else v for i, v in enumerate(values)] == [
        None, None, "1.0", "2.0", "1.5", "2.5", "x", "y", "z", "w",
    ]  # fmt: skip


def test_another_process_import_is_seen(tables: Tables, workspace: Workspace) -> None:
    assert tables.count("birds") == 100
    with Workspace.open(workspace.root) as other:
        other.tables.append("birds", *part(100, 130))
    assert tables.items("birds", offset=100)["n"].to_pylist() == list(range(100, 130))


def test_a_dataset_made_again_under_its_name_is_another(tables: Tables) -> None:
    assert tables.facets("birds", "n", limit=1) == [(0, 1)]
    tables.catalog.delete_dataset("birds")
    with pytest.raises(UnknownName):
        tables.count("birds", (parse("n=1"),))
    tables.catalog.ensure_dataset("birds", importer="x", source="y")
    for start in range(500, 600, 25):  # as many parts as before
        tables.append("birds", *part(start, start + 25))
    assert tables.facets("birds", "n", limit=1) == [(500, 1)]
    assert tables.items("birds", limit=1)["item"].to_pylist() == ["i500"]


@pytest.mark.parametrize("damage", ["missing", "empty", "end", "head", "pages"])
def test_a_damaged_file_is_said_in_words(tables: Tables, damage: str) -> None:
    (row,) = tables.database.all("select file from parts where side='image' and start=25")
    path = tables.root / row["file"]
    data = path.read_bytes()
    changed = {
        "empty": b"",
        "end": data[:-1],
        "head": data[50:],
        "pages": data[:40] + bytes(len(data) // 3) + data[40 + len(data) // 3 :],
    }
    path.unlink()
    if damage != "missing":
        path.write_bytes(changed[damage])
    with pytest.raises(WorkspaceDamaged, match="workbench doctor"):
        tables.items("birds")


def test_threads_ask_while_parts_come(workspace: Workspace) -> None:
    """Readers see whole parts only, whichever version they see."""
    wrong: list[Any] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                table = workspace.tables.items("birds", (parse("n>=0"),), sort=[("n", "desc")])
                count = table.num_rows
                if count % 10 or table["n"].to_pylist() != list(range(count - 1, -1, -1)):
                    wrong.append(table)
        except BaseException as error:
            wrong.append(error)

    workspace.tables.append("birds", *part(0, 10))
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1, 12):
        extra = {f"column{number}": [number] * 10} if number % 3 == 0 else {}
        workspace.tables.append("birds", *part(number * 10, number * 10 + 10, **extra))
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert workspace.tables.count("birds") == 120


def test_datasets_not_asked_for_make_room(workspace: Workspace) -> None:
    tables = Tables(workspace.root, workspace.catalog, hot_rows=100)
    names = ["a", "b", "c"]
    for name in names:
        workspace.catalog.ensure_dataset(name, importer="x", source="y")
        tables.append(name, part(0, 40)[0])

    def in_memory() -> list[str]:
        return [name for name, table in tables.engine._tabled if table == "items"]

    def tables_in_duckdb() -> int:
        return len(tables.engine.rows("select * from duckdb_tables()"))

    for name in names:
        assert tables.count(name, (parse("n>=0"),)) == 40
    assert in_memory() == ["b", "c"]
    assert tables.count("b", (parse("n>=0"),)) == 40
    assert tables.count("a", (parse("n>=0"),)) == 40
    assert in_memory() == ["b", "a"]
    assert tables_in_duckdb() == 2
    tables.close()


def test_queries_reach_no_file_outside_the_tables(workspace: Workspace, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    for sql in (
        f"select * from read_csv('{secret}')",
        f"copy (select 1) to '{tmp_path / 'out.csv'}'",
        "install httpfs",
        "set enable_external_access=true",
    ):
        with pytest.raises(duckdb.Error):
            workspace.tables.engine.rows(sql)
    assert not (tmp_path / "out.csv").exists()


def test_the_duckdb_file_shows_every_dataset(workspace: Workspace, tmp_path: Path) -> None:
    workspace.tables.append("birds", *part(0, 5))
    workspace.catalog.ensure_dataset("empty-one", importer="x", source="y")
    workspace.catalog.ensure_dataset("select", importer="x", source="y")
    workspace.tables.append("select", part(0, 3)[0])
    target = tmp_path / "views.duckdb"
    for _ in range(2):  # written anew
        workspace.tables.duckdb_file(target)
    with duckdb.connect(str(target), read_only=True) as connection:
        assert connection.execute("select max(n) from birds.items").fetchall() == [(4,)]
        assert connection.execute("select count(*) from birds.captions").fetchall() == [(4 + 0,)]
        assert connection.execute('select count(*) from "select".items').fetchall() == [(3,)]
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["views.duckdb"]
