"""Datasets, models, indexes and settings in the catalog."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from store.files import draft
from store.workspace import Workspace
from tests.store.model_card import MODEL
from workbench.errors import InputError, UnknownName
from workbench.types import IndexInfo


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a b", "é", "x" * 65, "a\n", "a\0"])
def test_names_that_are_no_folder_are_refused(workspace: Workspace, name: str) -> None:
    with pytest.raises(InputError, match="1 to 64 letters"):
        workspace.catalog.ensure_dataset(name, importer="x", source="y")


def test_ensuring_twice_keeps_what_is_known_and_adds_what_is_new(workspace: Workspace) -> None:
    ensure = workspace.catalog.ensure_dataset
    first = ensure("d", importer="csv", source="/a", info={"licence": "CC0", "n": 1})
    again = ensure("d", importer="folder", source="/b", info={"n": 2, "classes": ["a"]})
    assert (again.importer, again.source, again.created) == ("csv", "/a", first.created)
    assert again.info == {"licence": "CC0", "n": 1, "classes": ["a"]}
    assert workspace.catalog.set_dataset_info("d", {"n": 3}).info == {"n": 3}


def test_an_unknown_dataset_names_near_misses(workspace: Workspace) -> None:
    with pytest.raises(UnknownName, match="birds"):
        workspace.catalog.dataset("brids")
    for question in (workspace.tables.count, workspace.catalog.delete_dataset):
        with pytest.raises(UnknownName, match="birds"):
            question("brids")


def test_a_deleted_dataset_takes_everything_but_words_of_people_along(
    workspace: Workspace,
) -> None:
    tables, catalog = workspace.tables, workspace.catalog
    tables.append("birds", pa.table({"item": ["a", "b"]}), skipped=[("c", "broken")])
    workspace.vectors.write("birds", "m", "image", 0, np.eye(2, dtype=np.float32))
    workspace.notes.set_note("birds", "b", "odd beak")
    workspace.notes.add_tag("birds", "b", "odd")
    queued = workspace.jobs.submit("embed", {"dataset": "birds"}, title="t")
    other = workspace.jobs.submit("embed", {"dataset": "fish"}, title="t")
    catalog.delete_dataset("birds")
    assert catalog.datasets() == ()
    assert workspace.vectors.all() == ()
    assert workspace.database.all("select path from files") == []
    assert workspace.database.all("select item from items") == []
    assert catalog.forget_items() == 0  # and it ends
    assert workspace.jobs.get(queued.id).state == "cancelled"
    assert workspace.jobs.get(other.id).state == "queued"
    catalog.ensure_dataset("birds", importer="folder", source="/new")
    assert tables.count("birds") == 0
    tables.append("birds", pa.table({"item": ["b"]}))
    assert tables.items("birds", columns=["item"]).to_pylist() == [{"item": "b"}]
    assert workspace.notes.note("birds", "b") == "odd beak"
    assert workspace.notes.tagged("birds", "odd").tolist() == [0]


def test_a_running_job_on_a_deleted_dataset_is_asked_to_stop(workspace: Workspace) -> None:
    job = workspace.jobs.submit("embed", {"dataset": "birds"}, title="t")
    workspace.jobs.claim("w")
    workspace.catalog.delete_dataset("birds")
    assert workspace.jobs.get(job.id).cancel_requested
    assert workspace.jobs.get(job.id).state == "running"


def test_a_model_comes_back_as_it_was_registered(workspace: Workspace) -> None:
    workspace.catalog.add_model(MODEL)
    assert workspace.catalog.model("tiny") == MODEL
    assert workspace.catalog.model("k1") == MODEL
    changed = replace(MODEL, state="missing", note="put x there", logit_bias=-10.0)
    workspace.catalog.add_model(changed)
    assert workspace.catalog.models() == (changed,)


def test_two_models_cannot_have_one_name(workspace: Workspace) -> None:
    workspace.catalog.add_model(MODEL)
    with pytest.raises(InputError, match="Choose another name"):
        workspace.catalog.add_model(replace(MODEL, key="k2"))
    with pytest.raises(UnknownName, match="tiny"):
        workspace.catalog.model("tinny")


def test_the_files_of_a_model_are_recorded_and_forgotten_with_it(workspace: Workspace) -> None:
    folder = workspace.catalog.model_folder("k1")
    (folder / "sub").mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(b"w")
    (folder / "sub" / "vocab.txt").write_bytes(b"v")
    (folder / ".tmp-1-x-y").write_bytes(b"half")
    neighbour = workspace.catalog.model_folder("k1x")
    neighbour.mkdir()
    (neighbour / "weights.safetensors").write_bytes(b"w")
    workspace.catalog.add_model(MODEL)
    workspace.catalog.add_model(replace(MODEL, key="k1x", name="other"))

    def paths() -> list[str]:
        return [r["path"] for r in workspace.database.all("select path from files order by path")]

    expected = ["models/k1/sub/vocab.txt", "models/k1/weights.safetensors"]
    assert paths() == [*expected, "models/k1x/weights.safetensors"]
    workspace.tables.append("birds", pa.table({"item": ["a"]}))
    workspace.vectors.write("birds", "k1", "image", 0, np.eye(1, 2, dtype=np.float32))
    workspace.catalog.remove_model("tiny")
    assert [m.name for m in workspace.catalog.models()] == ["other"]
    assert workspace.vectors.all() == ()
    assert [p for p in paths() if p.startswith("models")] == ["models/k1x/weights.safetensors"]


def test_an_index_replaces_the_one_before(workspace: Workspace) -> None:
    info = IndexInfo("birds", "m", "image", "flat float32", "small", 10, 4, 0, exact=True)
    stored = []
    for content in (b"one", b"three"):
        with draft(workspace.root, "indexes/birds/m", "x.faiss") as target:
            target.path.write_bytes(content)
            stored.append(target.place("index", "image-10", ".faiss"))
        workspace.catalog.put_index(info, stored[-1])
    assert workspace.catalog.index("birds", "m", "image") == (
        replace(info, bytes=5),
        stored[1].path,
    )
    assert [info for info, _ in workspace.catalog.indexes()] == [replace(info, bytes=5)]
    named = [row["path"] for row in workspace.database.all("select path from files")]
    assert named == [stored[1].path]
    workspace.catalog.put_index(info, None)
    assert workspace.catalog.index("birds", "m", "image") == (info, None)
    workspace.catalog.drop_index("birds", "m", "image")
    workspace.catalog.drop_index("birds", "m", "image")
    assert workspace.catalog.indexes() == ()


def test_settings_hold_json_for_every_process(workspace: Workspace, tmp_path: Path) -> None:
    workspace.catalog.set_setting("a", {"x": [1, None, "ü"]})
    with Workspace.open(workspace.root) as other:
        assert other.catalog.setting("a") == {"x": [1, None, "ü"]}
        other.catalog.set_setting("a", False)
    assert workspace.catalog.setting("a") is False
    assert workspace.catalog.setting("b", "default") == "default"
