"""Folders of images: labels, deeper folders, hidden files, links, names of every kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.importers.making import picture, write_folder
from workbench.errors import InputError
from workbench.importers.folder import ImageFolder
from workbench.importers.importer import Skipped
from workbench.importers.location import path_of, read
from workbench.types import Record

IMPORTER = ImageFolder()
PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "data" / "photos"


def test_labels_and_deeper_folders(tmp_path):
    names = ["cat/1.jpg", "cat/big/fat/2.jpg", "dog/1.jpg", "top.jpg"]
    write_folder(tmp_path, dict.fromkeys(names, picture()))
    found = {record.key: record for record in IMPORTER.records(tmp_path)}
    assert list(found) == ["top.jpg", "cat/1.jpg", "cat/big/fat/2.jpg", "dog/1.jpg"]
    assert [found[name].label for name in names] == ["cat", "cat", "dog", None]
    assert found["cat/big/fat/2.jpg"].meta == {"folder": "big/fat"}
    assert found["cat/1.jpg"].meta == {}
    assert read(found["dog/1.jpg"].source) == picture()


def test_hidden_things_are_passed_over(tmp_path):
    names = [".DS_Store", ".git/a.jpg", "__MACOSX/a.jpg", "a/._1.jpg", "a/1.jpg"]
    write_folder(tmp_path, dict.fromkeys(names, b"x"))
    assert [entry.key for entry in IMPORTER.records(tmp_path)] == ["a/1.jpg"]
    assert IMPORTER.total(tmp_path) == 1


def test_links_out_of_the_folder_are_refused(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    write_folder(root, {"a/1.jpg": picture()})
    write_folder(outside, {"secret.jpg": picture(), "more/x.jpg": picture()})
    (root / "a/out.jpg").symlink_to(outside / "secret.jpg")
    (root / "a/up.jpg").symlink_to("../../outside/secret.jpg")
    (root / "a/gone.jpg").symlink_to("nowhere.jpg")
    (root / "a/loop.jpg").symlink_to("loop.jpg")
    (root / "a/in.jpg").symlink_to("1.jpg")
    (root / "b").symlink_to(outside / "more")
    (root / "c").symlink_to(root / "a")
    found = {entry.key: entry for entry in IMPORTER.records(root)}
    reasons = {key: entry.reason for key, entry in found.items() if isinstance(entry, Skipped)}
    leads_out = "a link that leads out of the folder"
    assert reasons == {
        "a/out.jpg": leads_out,
        "a/up.jpg": leads_out,
        "a/gone.jpg": "a link to nothing",
        "a/loop.jpg": "a link to nothing",
        "b": leads_out,
        "c": "a link to a folder",
    }
    assert [key for key, entry in found.items() if isinstance(entry, Record)] == [
        "a/1.jpg",
        "a/in.jpg",
    ]


def test_a_linked_root_is_followed(tmp_path):
    write_folder(tmp_path / "real", {"a/1.jpg": picture()})
    (tmp_path / "link").symlink_to("real")
    (record,) = IMPORTER.records(tmp_path / "link")
    assert isinstance(record, Record)


@pytest.mark.parametrize(
    "name",
    [b"caf\xe9.jpg", "café.jpg".encode(), b"new\nline.jpg", b'quote".jpg', b"per%20cent.jpg"],
)
def test_names_of_every_kind_still_open(tmp_path, name):
    folder = os.fsencode(tmp_path) + b"/cl\xe4ss"
    os.mkdir(folder)  # noqa: PTH102  (bytes)
    with open(folder + b"/" + name, "wb") as file:  # noqa: PTH123
        file.write(picture())
    (record,) = IMPORTER.records(tmp_path)
    for text in (record.key, record.label, record.source.uri):
        assert text.encode("utf-8").decode("utf-8") == text
    assert read(record.source) == picture()
    assert os.fsencode(path_of(record.source.uri)) == folder + b"/" + name


def test_only_folders_with_images_are_recognised(tmp_path):
    assert not IMPORTER.detect(tmp_path)
    write_folder(tmp_path, {"a/readme.txt": b"x"})
    assert not IMPORTER.detect(tmp_path)
    write_folder(tmp_path, {"b/deep/x.JPEG": b"x"})
    assert IMPORTER.detect(tmp_path)
    assert not IMPORTER.detect(tmp_path / "b/deep/x.JPEG")
    with pytest.raises(InputError, match="a folder"):
        list(IMPORTER.records(tmp_path / "missing"))


def test_preview_warns_of_splits_and_of_missing_labels(tmp_path):
    flat = write_folder(tmp_path / "flat", {"1.jpg": picture(), "2.jpg": picture()})
    assert "no label" in IMPORTER.preview(flat).notes[0]
    split = write_folder(tmp_path / "split", {"train/cat/1.jpg": picture()})
    assert f"import {split / 'train'}" in IMPORTER.preview(split).notes[0]
    good = write_folder(tmp_path / "good", {"cat/1.jpg": picture()})
    seen = IMPORTER.preview(good)
    assert (seen.notes, seen.columns, seen.total) == ((), {"label": "text"}, 1)


def test_a_folder_that_may_not_be_read_is_reported(tmp_path, monkeypatch):
    write_folder(tmp_path, {"a/1.jpg": picture(), "b/1.jpg": picture()})
    real = os.scandir

    def refuse(path):
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    first, second = IMPORTER.records(tmp_path)
    assert first == Skipped("a", "a folder that cannot be read (Permission denied)")
    assert second.key == "b/1.jpg"


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs of ../shared/data are not here")
def test_real_photographs():
    records = list(IMPORTER.records(PHOTOS))
    assert IMPORTER.total(PHOTOS) == len(records) == 300
    assert {record.label for record in records} == {p.name for p in PHOTOS.iterdir()}
