"""Runs: the same question is kept once, with its tables."""

from __future__ import annotations

import pyarrow as pa
import pytest

from store.workspace import Workspace
from workbench.errors import InputError, UnknownName, WorkspaceDamaged

TABLE = pa.table({"rank": [1, 2], "others": [[1, 2], []]})


def test_a_run_comes_back_as_it_was_published(workspace: Workspace) -> None:
    run = workspace.runs.publish("ev", {"dataset": "birds", "k": 1}, {"r": 0.5}, {"ranks": TABLE})
    assert (run.kind, run.params, run.result) == ("ev", {"dataset": "birds", "k": 1}, {"r": 0.5})
    assert run.tables == ("ranks",)
    assert workspace.runs.get(run.key) == run
    assert workspace.runs.find("ev", {"k": 1, "dataset": "birds"}) == run
    assert workspace.runs.find("ev", {"k": 2}) is None
    assert workspace.runs.table(run, "ranks").to_pylist() == TABLE.to_pylist()


def test_the_same_question_again_replaces_the_answer(workspace: Workspace) -> None:
    first = workspace.runs.publish("ev", {"a": 1}, {"r": 1}, {"t": TABLE, "u": TABLE})
    again = workspace.runs.publish("ev", {"a": 1}, {"r": 2}, {"t": TABLE.slice(1)})
    assert (again.key, again.result, again.tables) == (first.key, {"r": 2}, ("t",))
    assert workspace.runs.table(again, "t").num_rows == 1
    assert len(workspace.runs.list()) == 1
    assert len(workspace.database.all("select * from files")) == 1


def test_the_newest_is_found_by_its_parameters(workspace: Workspace) -> None:
    runs = [workspace.runs.publish("ev", {"m": m, "n": n}, {}) for m in "ab" for n in range(2)]
    workspace.runs.publish("other", {"m": "a"}, {})
    assert workspace.runs.newest("ev", m="a") == runs[1]
    assert workspace.runs.newest("ev", m="b", n=0) == runs[2]
    assert workspace.runs.newest("ev", m="c") is None
    assert workspace.runs.list("ev") == tuple(reversed(runs))


def test_a_run_goes_with_its_dataset(workspace: Workspace) -> None:
    workspace.runs.publish("ev", {"dataset": "birds"}, {}, {"t": TABLE})
    kept = workspace.runs.publish("ev", {"dataset": None}, {})
    workspace.catalog.delete_dataset("birds")
    assert workspace.runs.list() == (kept,)
    workspace.runs.drop(kept.key)
    workspace.runs.drop(kept.key)
    assert workspace.runs.list() == ()


def test_what_is_not_there_is_named(workspace: Workspace) -> None:
    run = workspace.runs.publish("ev", {}, {}, {"ranks": TABLE})
    with pytest.raises(UnknownName, match="ranks"):
        workspace.runs.table(run, "rank")
    with pytest.raises(UnknownName, match="unknown run"):
        workspace.runs.get("nothing")
    with pytest.raises(InputError, match="JSON"):
        workspace.runs.publish("ev", {"a": object()}, {})
    for path in (workspace.root / "runs").rglob("*.parquet"):
        path.write_bytes(b"broken")
    with pytest.raises(WorkspaceDamaged, match="workbench doctor"):
        workspace.runs.table(run, "ranks")


def test_part_of_a_table(workspace: Workspace) -> None:
    table = pa.table({"row": [0, 0, 1, 1, 2], "value": [1.0, 2.0, 3.0, 4.0, 5.0]})
    run = workspace.runs.publish("k", {}, {}, {"numbers": table}, group=2)
    found = workspace.runs.table(run, "numbers", columns=["value"], where={"row": 1})
    assert found.to_pydict() == {"value": [3.0, 4.0]}
    assert len(workspace.runs.table(run, "numbers", where={"row": 7})) == 0
    assert workspace.runs.table(run, "numbers").equals(table)
