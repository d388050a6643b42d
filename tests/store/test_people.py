"""Notes and tags of people, and which workers are alive."""

from __future__ import annotations

import time
from dataclasses import replace

import pyarrow as pa
import pytest

from store.workspace import Workspace
from workbench.errors import InputError, UnknownName
from workbench.types import WorkerInfo

WORKER = WorkerInfo(
    id="w1",
    pid=10,
    host="here",
    address="grpc://127.0.0.1:1",
    token="secret",
    device="cpu",
    precision="fp32",
    gpu_present=False,
    memory_used=1,
    memory_total=2,
    job=None,
    models=("a", "b"),
    started=5.0,
    heartbeat=0.0,
)


def test_notes_are_replaced_and_removed(workspace: Workspace) -> None:
    notes = workspace.notes
    assert notes.note("birds", "a") == ""
    notes.set_note("birds", "a", "first")
    notes.set_note("birds", "a", "zweite Notiz ü\n")
    notes.set_note("birds", "b", "other")
    assert notes.note("birds", "a") == "zweite Notiz ü\n"
    notes.set_note("birds", "b", "  ")
    assert notes.notes("birds") == {"a": "zweite Notiz ü\n"}
    with pytest.raises(UnknownName, match="fish"):
        notes.set_note("fish", "a", "x")


def test_tags_lead_to_rows(workspace: Workspace) -> None:
    workspace.tables.append("birds", pa.table({"item": ["a", "b", "c"]}))
    notes = workspace.notes
    for item, tag in (("c", "odd"), ("a", "odd"), ("a", " odd "), ("a", "blue"), ("gone", "odd")):
        notes.add_tag("birds", item, tag)
    assert notes.tags("birds", "a") == ("blue", "odd")
    assert notes.tagged("birds", "odd").tolist() == [0, 2]
    assert notes.all_tags("birds") == {"odd": 3, "blue": 1}
    notes.remove_tag("birds", "a", "odd")
    notes.remove_tag("birds", "a", "odd")
    assert notes.tagged("birds", "odd").tolist() == [2]
    assert notes.tagged("birds", "none").tolist() == []


@pytest.mark.parametrize("tag", ["", "  ", "x" * 65])
def test_tags_that_are_none_are_refused(workspace: Workspace, tag: str) -> None:
    with pytest.raises(InputError, match="1 to 64 characters"):
        workspace.notes.add_tag("birds", "a", tag)


def test_workers_are_alive_while_they_beat(workspace: Workspace) -> None:
    workers = workspace.workers
    workers.register(WORKER)
    workers.register(replace(WORKER, id="w0", started=1.0))
    assert [w.id for w in workers.alive()] == ["w0", "w1"]
    workers.beat(replace(WORKER, job=7, device="cuda:0"))
    found = workers.alive()[1]
    assert time.time() - found.heartbeat < 5
    assert found == replace(WORKER, job=7, device="cuda:0", heartbeat=found.heartbeat)
    with workspace.database.write() as connection:
        connection.execute("update workers set heartbeat=heartbeat-20 where id='w0'")
    assert [w.id for w in workers.alive()] == ["w1"]
    assert len(workers.alive(timeout_s=60)) == 2
    workers.remove("w1")
    workers.remove("w1")
    assert workers.alive() == ()
    with workspace.database.write() as connection:
        connection.execute("update workers set heartbeat=heartbeat-100000")
    workers.register(WORKER)
    assert len(workspace.database.all("select * from workers")) == 1


def test_verdicts_and_notes_lead_to_rows(workspace: Workspace) -> None:
    workspace.tables.append("birds", pa.table({"item": ["a", "b", "c"]}))
    workspace.verdicts.put("birds", "c", "plain", "Sieht aus wie ÄPFEL, truly")
    workspace.verdicts.put("birds", "a", "spurious")
    workspace.verdicts.put("birds", "gone", "plain", "truly")
    workspace.notes.set_note("birds", "b", "100% odd; truly")
    workspace.notes.set_note("birds", "c", "truly")
    assert workspace.verdicts.rows("birds").tolist() == [0, 2]
    assert workspace.verdicts.rows("birds", "plain").tolist() == [2]
    assert workspace.verdicts.rows("birds", "a' or '1'='1").tolist() == []
    found = {words: workspace.notes.noted("birds", words).tolist() for words in
             ("TRULY", "äpfel aus", "100%", "%", "truly odd", "äpfel odd", "")}  # fmt: skip
    assert found == {
        "TRULY": [1, 2], "äpfel aus": [2], "100%": [1], "%": [1], "truly odd": [1],
        "äpfel odd": [], "": [1, 2],
    }  # fmt: skip
    with pytest.raises(UnknownName, match="fish"):
        workspace.verdicts.rows("fish")
