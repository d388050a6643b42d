"""Names of corpora: kept as they were given, free again when forgotten, safe between processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from store.schema import M001
from store.workspace import Workspace
from workbench.errors import InputError, UnknownName

FILES = {"paths": ["/data/captions.txt", "/data/ü 猫.csv"], "column": None}


@pytest.fixture
def space(tmp_path):
    with Workspace.open(tmp_path / "space") as opened:
        yield opened


def test_a_corpus_is_kept_and_forgotten(space):
    space.corpora.add("web", FILES)
    space.corpora.add("books", {"paths": [], "column": "text"})
    assert space.corpora.names() == ("books", "web")
    assert space.corpora.get("web") == FILES
    space.corpora.remove("web")
    space.corpora.remove("web")
    assert space.corpora.names() == ("books",)
    with pytest.raises(UnknownName, match="books"):
        space.corpora.get("web")


def test_it_is_there_after_a_restart(space):
    space.corpora.add("web", FILES)
    space.close()
    with Workspace.open(space.root) as again:
        assert again.corpora.get("web") == FILES


def test_the_same_again_changes_nothing_and_another_is_refused(space):
    space.corpora.add("web", FILES)
    space.corpora.add("web", dict(reversed(FILES.items())))
    with pytest.raises(InputError, match="a name that is free"):
        space.corpora.add("web", {**FILES, "column": "text"})
    assert space.corpora.get("web") == FILES
    space.corpora.remove("web")
    space.corpora.add("web", {**FILES, "column": "text"})
    assert space.corpora.get("web")["column"] == "text"


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "x" * 300, "a\nb", "a:b"])
def test_names_as_of_datasets(space, name):
    with pytest.raises(InputError):
        space.corpora.add(name, FILES)
    assert space.corpora.names() == ()


def test_of_several_at_once_one_gets_the_name(space):
    def add(number):
        try:
            space.corpora.add("web", {"paths": [str(number)]})
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(add, range(8))) == 1
    assert len(space.corpora.names()) == 1


def test_an_older_workspace_gets_the_table(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("store.database.MIGRATIONS", (M001,))
        Workspace.open(tmp_path / "old").close()
    with Workspace.open(tmp_path / "old") as opened:
        opened.corpora.add("web", FILES)
        assert opened.corpora.names() == ("web",)
