from __future__ import annotations

import pytest

from store.schema import M001
from store.workspace import Workspace
from workbench.errors import InputError, UnknownName


@pytest.fixture
def space(tmp_path):
    with Workspace.open(tmp_path / "space") as opened:
        yield opened


def test_sets_are_kept_by_their_content_and_can_be_renamed(space):
    space.sets.put("classes", "k1", "pets", {"names": ["猫"]})
    space.sets.put("classes", "k1", "my  pets", {"names": ["猫"]})
    space.sets.put("prompts", "k1", "texts", {"templates": []})
    assert space.sets.list("classes") == (("k1", "my pets"),)
    assert space.sets.get("classes", "k1") == {"names": ["猫"]}
    assert space.sets.name("prompts", "k1") == "texts" and space.sets.name("prompts", "x") == "x"
    with pytest.raises(UnknownName):
        space.sets.get("classes", "k2")


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_names_must_be_readable(space, name):
    with pytest.raises(InputError):
        space.sets.put("classes", "k", name, {})


def test_verdicts_are_replaced_and_removed(space):
    space.catalog.ensure_dataset("d", importer="t", source="s", info={})
    space.verdicts.put("d", "a", "plain")
    space.verdicts.put("d", "a", "label-wrong", "it is a fox")
    assert space.verdicts.all("d") == {"a": ("label-wrong", "it is a fox")}
    space.verdicts.put("d", "a", "")
    assert space.verdicts.all("d") == {}
    with pytest.raises(UnknownName):
        space.verdicts.put("none", "a", "plain")


def test_a_workspace_of_the_first_version_gets_the_new_tables(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("store.database.MIGRATIONS", (M001,))
        with Workspace.open(tmp_path / "old") as old:
            old.catalog.ensure_dataset("d", importer="t", source="s", info={})
            assert old.database.all("select name from sqlite_master where name='sets'") == []
    with Workspace.open(tmp_path / "old") as opened:
        assert opened.catalog.dataset("d").name == "d"
        opened.sets.put("classes", "k", "n", {})
        assert opened.sets.list("classes") == (("k", "n"),)
