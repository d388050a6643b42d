"""WebDataset samples become records: image in place, captions, label, columns."""

from __future__ import annotations

import pytest

from tests.importers.making import picture, sample, write_tar
from workbench.errors import InputError
from workbench.importers.image import probe
from workbench.importers.importer import Skipped
from workbench.importers.location import read
from workbench.importers.webdataset import WebDataset
from workbench.types import Record

IMPORTER = WebDataset()


def test_every_part_finds_its_place(tmp_path):
    fields = {
        "captions": ["a red square", "a square, red"],
        "label": "square",
        "n": 3,
        "share": 0.5,
        "odd": True,
        "tags": ["red", "flat"],
        "nested": {"deep": [1]},
        "nothing": None,
    }
    path = write_tar(tmp_path / "0.tar", sample("s0", fields, txt=b" words \n", cls=b"7"))
    (record,) = IMPORTER.records(path)
    assert isinstance(record, Record)
    assert record.key == "0/s0"
    assert record.captions == ("words", "a red square", "a square, red")
    assert record.label == "square"
    assert record.meta == {
        "n": 3,
        "share": 0.5,
        "odd": True,
        "tags": ["red", "flat"],
        "nested": '{"deep": [1]}',
        "nothing": None,
    }
    assert read(record.source) == picture()


def test_the_same_caption_twice_is_one(tmp_path):
    path = write_tar(tmp_path / "0.tar", sample("s", {"caption": "a cat"}, txt=b"a cat"))
    assert next(IMPORTER.records(path)).captions == ("a cat",)


def test_the_class_part_is_the_label_where_there_is_no_other(tmp_path):
    path = write_tar(tmp_path / "0.tar", sample("s", {"label": None}, cls=b"tabby\n"))
    assert next(IMPORTER.records(path)).label == "tabby"


def test_fields_can_be_chosen(tmp_path):
    path = write_tar(tmp_path / "0.tar", sample("s", {"caption": "x", "alt": "y", "concept": "z"}))
    (record,) = IMPORTER.records(path, caption_columns=["alt"], label_column="concept")
    assert (record.captions, record.label, record.meta) == (("y",), "z", {"caption": "x"})


def test_compressed_shards_bring_their_bytes(tmp_path):
    path = write_tar(tmp_path / "0.tar.gz", sample("s", {"n": 1}), "w:gz")
    (record,) = IMPORTER.records(path)
    assert record.source is None
    assert probe(record.data).width == 32


def test_what_is_wrong_with_a_sample_is_said(tmp_path):
    files = [
        *sample("none", {"a": 1}, jpg=b"")[:1],
        *sample("list", None, json=b"[1]"),
        *sample("broken", None, json=b"{"),
        ("../out.jpg", b"x"),
        *sample("good"),
    ]
    path = write_tar(tmp_path / "a" / "0.tar", files)
    found = {entry.key: entry for entry in IMPORTER.records(tmp_path)}
    assert "no image" in found["a/0/none"].reason
    assert "not an object" in found["a/0/list"].reason
    assert "not JSON" in found["a/0/broken"].reason
    assert "outside" in found["a/0/../out.jpg"].reason
    assert isinstance(found["a/0/good"], Record)
    assert IMPORTER.total(path) == len(list(IMPORTER.records(path)))


def test_preview_shows_and_stores_nothing(tmp_path):
    for i in range(3):
        write_tar(tmp_path / f"{i}.tar", [f for k in "abc" for f in sample(k, {"n": 1, "t": "x"})])
    (tmp_path / "9.tar").write_bytes(b"junk" * 300)
    before = sorted(tmp_path.iterdir())
    seen = IMPORTER.preview(tmp_path, limit=2)
    assert len(seen.records) == 2
    assert seen.columns == {"n": "integer", "t": "text"}
    assert (seen.total, seen.images, seen.captions, seen.vectors) == (10, True, False, False)
    assert seen.notes == ("4 tar shards.",)
    assert "9 will be skipped" in IMPORTER.preview(tmp_path, limit=20).notes[-1]
    assert sorted(tmp_path.iterdir()) == before


def test_no_shards_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"\.tar"):
        list(IMPORTER.records(tmp_path))


def test_keys_and_order_are_stable(tmp_path):
    for i in (10, 9, 1):
        write_tar(tmp_path / f"{i}.tar", [f for k in "ba" for f in sample(k)])
    wanted = ["1/b", "1/a", "9/b", "9/a", "10/b", "10/a"]
    for _ in range(2):
        assert [e.key for e in IMPORTER.records(tmp_path) if not isinstance(e, Skipped)] == wanted
