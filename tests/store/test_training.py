"""Folders of trainings: named by their question, and removed when none can go on."""

from __future__ import annotations

import pytest

from store import doctor, gc, training
from store.workspace import Workspace
from workbench.errors import InputError


@pytest.fixture
def space(tmp_path):
    with Workspace.open(tmp_path / "space") as opened:
        opened.catalog.ensure_dataset("d", importer="folder", source="", info={})
        yield opened


def begun(space, **more):
    """A job, and the folder that it would keep its state in."""
    params = {"dataset": "d", "version": list(space.catalog.identity("d")), **more}
    job = space.jobs.submit(training.KIND, params, title="Train")
    folder = training.folder(space.root, training.key(params))
    folder.mkdir(parents=True)
    (folder / "checkpoint").write_bytes(b"12345")
    return job, folder


def test_the_key_is_that_of_the_question():
    one, other = {"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1}
    assert training.key(one) == training.key(other) != training.key({**one, "a": 2})


def test_no_key_leads_out_of_the_folder(tmp_path):
    with pytest.raises(InputError, match="training name"):
        training.folder(tmp_path, "../models")


def test_a_training_that_may_go_on_is_kept(space):
    job, folder = begun(space)
    for state in ("queued", "cancelled"):
        assert space.jobs.get(job.id).state == state
        assert gc.orphans(space) == () == doctor.check(space)
        space.jobs.cancel(job.id)
    gc.collect(space)
    assert (folder / "checkpoint").is_file()


def test_what_cannot_go_on_is_listed_and_collected(space):
    _, folder = begun(space)
    stranger = training.folder(space.root, "unknown")
    stranger.mkdir()
    (stranger / "film").write_bytes(b"1")
    assert gc.orphans(space) == (stranger / "film",)
    space.catalog.delete_dataset("d")
    assert gc.orphans(space) == tuple(sorted((folder / "checkpoint", stranger / "film")))
    assert all(each.harmless for each in doctor.check(space))
    assert gc.collect(space) == 6
    assert not folder.exists() and doctor.check(space) == ()


def test_a_dataset_that_grew_is_another(space):
    _, folder = begun(space)
    assert training.forgotten(space) == ()
    space.catalog.delete_dataset("d")
    space.catalog.ensure_dataset("d", importer="folder", source="", info={})
    assert training.forgotten(space) == (folder,)


def test_removing_nothing_is_no_error(space):
    _, folder = begun(space)
    training.remove(space.root, folder.name)
    training.remove(space.root, folder.name)
    assert not folder.exists()
