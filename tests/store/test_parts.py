"""Parts: whole or not at all, each item once, rows in order, whoever else writes."""

from __future__ import annotations

import threading
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.doctor import check
from store.workspace import Workspace
from workbench.errors import InputError, UnknownName, WorkspaceError
from workbench.types import Source


def items(*names: str, **columns: Any) -> pa.Table:
    return pa.table({"item": pa.array(names, pa.string()), **columns})


def captions(*pairs: tuple[int, str]) -> pa.Table:
    return pa.table({"item_index": [i for i, _ in pairs], "text": [t for _, t in pairs]})


def rows(workspace: Workspace) -> list[tuple[int, str]]:
    table = workspace.tables.items("birds", columns=["row", "item"]).to_pylist()
    return [(r["row"], r["item"]) for r in table]


def test_rows_continue_where_the_last_part_ended(workspace: Workspace) -> None:
    append = workspace.tables.append
    append("birds", items("a", "b"), captions((1, "one"), (0, "two")))
    info = append("birds", items("c"), captions((0, "three")))
    assert (info.items, info.captions, info.parts) == (3, 3, 2)
    assert rows(workspace) == [(0, "a"), (1, "b"), (2, "c")]
    assert workspace.tables.captions("birds").to_pylist() == [
        {"row": 0, "item_row": 1, "text": "one"},
        {"row": 1, "item_row": 0, "text": "two"},
        {"row": 2, "item_row": 2, "text": "three"},
    ]


def test_the_same_part_again_adds_nothing(workspace: Workspace) -> None:
    part = (items("a", "b", n=[1, 2]), captions((0, "x")))
    first = workspace.tables.append("birds", *part)
    files = workspace.database.all("select path from files")
    assert workspace.tables.append("birds", *part) == first
    assert workspace.database.all("select path from files") == files


def test_only_what_is_new_of_a_part_is_added(workspace: Workspace) -> None:
    workspace.tables.append("birds", items("a", "b"))
    part = (items("b", "c", "c"), captions((0, "old"), (1, "new"), (2, "double")))
    workspace.tables.append("birds", *part)
    assert rows(workspace) == [(0, "a"), (1, "b"), (2, "c")]
    assert workspace.tables.captions("birds").to_pylist() == [
        {"row": 0, "item_row": 2, "text": "new"}
    ]


def test_an_unknown_dataset_gets_nothing(workspace: Workspace) -> None:
    for question in (
        lambda: workspace.tables.append("fish", items("a")),
        lambda: workspace.tables.known("fish", ["a"]),
        lambda: workspace.tables.skipped("fish"),
        lambda: workspace.tables.put_blob("fish", [b"x"]),
    ):
        with pytest.raises(UnknownName, match="fish"):
            question()
    assert not (workspace.root / "media").exists()


def test_known_items_are_found_among_many(workspace: Workspace) -> None:
    names = [f"i{n}" for n in range(1200)]
    workspace.tables.append("birds", items(*names[::2]))
    assert workspace.tables.known("birds", names) == set(names[::2])
    assert workspace.tables.known("birds", []) == set()


def test_skipped_entries_are_kept_until_the_item_comes(workspace: Workspace) -> None:
    append = workspace.tables.append
    append("birds", items(), skipped=[("b", "broken"), ("c", "empty")])
    append("birds", items("a"), skipped=[("b", "still broken")])
    assert workspace.catalog.dataset("birds").skipped == 2
    assert workspace.tables.skipped("birds").to_pylist() == [
        {"item": "b", "reason": "still broken"},
        {"item": "c", "reason": "empty"},
    ]
    assert append("birds", items("b")).skipped == 1
    assert append("birds", items()).parts == 2  # nothing new: the tables are the same


def test_progress_of_the_job_is_part_of_the_transaction(workspace: Workspace) -> None:
    job = workspace.jobs.submit("import", {}, title="t", total=2)
    workspace.jobs.claim("w")
    workspace.tables.append("birds", items("a"), job_id=job.id, done=1)
    assert workspace.jobs.get(job.id).done == 1
    with pytest.raises(InputError):
        workspace.tables.append("birds", pa.table({"x": [1]}), job_id=job.id, done=2)
    assert workspace.jobs.get(job.id).done == 1


def test_bytes_without_a_file_are_stored_and_found_again(workspace: Workspace) -> None:
    chunks = [b"first", b"", b"third"]
    sources = workspace.tables.put_blob("birds", chunks)
    assert sources == workspace.tables.put_blob("birds", chunks)
    assert [s.length for s in sources] == [5, 0, 5]
    assert sources[2] == Source(sources[0].uri, 5, 5)
    read = [workspace.read_image(s.uri, s.offset, s.length) for s in sources]
    assert read == chunks
    assert [f.kind for f in check(workspace)] == ["orphan"]
    uris = [s.uri for s in sources]
    workspace.tables.append("birds", items("a", "b", "c", uri=uris))
    assert check(workspace) == ()


def test_part_files_are_compressed_parquet_in_large_groups(workspace: Workspace) -> None:
    workspace.tables.append("birds", items(*map(str, range(70_000))))
    (row,) = workspace.database.all("select file from parts")
    meta = pq.ParquetFile(workspace.root / row["file"]).metadata
    assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [65_536, 4_464]
    assert meta.row_group(0).column(0).compression == "ZSTD"


def test_several_importers_of_one_dataset_do_not_disturb_each_other(workspace: Workspace) -> None:
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with Workspace.open(workspace.root) as own:
                for step in range(8):
                    part = items(f"{name}{step}", f"shared{step}")
                    own.tables.append("birds", part, captions((0, name), (1, f"s{step}")))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "xyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    found = rows(workspace)
    assert [row for row, _ in found] == list(range(32))
    expected = {f"{name}{step}" for name in ("x", "y", "z", "shared") for step in range(8)}
    assert {item for _, item in found} == expected
    texts = {r["item_row"]: r["text"] for r in workspace.tables.captions("birds").to_pylist()}
    assert len(texts) == 32
    for row, item in found:
        shared = item.startswith("shared")
        assert texts[row] == (f"s{item[6:]}" if shared else item[0])
    assert [f for f in check(workspace) if not f.harmless] == []


def test_a_dataset_that_changes_all_the_time_is_given_up(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.parts._TRIES", 3)
    monkeypatch.setattr(type(workspace.tables), "_publish", lambda *_: False)
    with pytest.raises(WorkspaceError, match="written by many others"):
        workspace.tables.append("birds", items("a"))


NUMBERED = count()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = (
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
    TEXT,
    st.lists(TEXT, max_size=3),
)


@st.composite
def columns(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Up to three columns of five rows, each of one kind of value or missing."""
    names = draw(st.lists(st.sampled_from(["a", "B", "c d", 'q"']), unique=True, max_size=3))
    five = [st.lists(st.none() | value, min_size=5, max_size=5) for value in VALUES]
    return {name: draw(draw(st.sampled_from(five))) for name in names}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=columns(), cut=st.integers(0, 5))
def test_what_is_appended_in_any_cut_comes_back(
    workspace: Workspace, values: dict[str, list[Any]], cut: int
) -> None:
    """A column whose values are missing in one part still comes back whole."""
    name = f"d{next(NUMBERED)}"
    workspace.catalog.ensure_dataset(name, importer="x", source="y")
    ids = [f"i{n}" for n in range(5)]
    whole = pa.table({"item": ids, **values})
    for part in (whole.slice(0, cut), whole.slice(cut)):
        workspace.tables.append(name, part)
    table = workspace.tables.items(name)
    assert table["item"].to_pylist() == ids
    for column, expected in values.items():
        kept = [v if v != [] else None for v in expected]
        if any(v is not None for v in kept):
            assert table[column].to_pylist() == kept
        else:
            assert column not in table.column_names
