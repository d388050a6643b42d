"""Tables of every kind become the same records."""

from __future__ import annotations

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.importers.making import picture, write_folder
from workbench.errors import InputError, UnknownName
from workbench.importers.importer import Skipped
from workbench.importers.location import read
from workbench.importers.register import find
from workbench.importers.table import Table
from workbench.types import Record

IMPORTER = Table()
ROWS = [
    {"image": "im/a.jpg", "caption": "a cat", "label": "cat", "n": 1, "share": 0.5, "odd": True},
    {"image": "im/b.jpg", "caption": "a dog", "label": "dog", "n": 2, "share": 1.5, "odd": False},
]


def write(path, rows):
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            delimiter = "\t" if path.suffix == ".tsv" else ","
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.fixture
def images(tmp_path):
    write_folder(tmp_path, {"im/a.jpg": picture(), "im/b.jpg": picture(), "im/c.jpg": picture()})
    return tmp_path


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_every_kind_gives_the_same_records(images, ending):
    path = write(images / f"t.{ending}", ROWS)
    assert find(path).key == "table"
    first, second = IMPORTER.records(path)
    assert (first.key, second.key) == ("im/a.jpg", "im/b.jpg")
    assert (first.captions, first.label) == (("a cat",), "cat")
    assert first.meta == {"image": "im/a.jpg", "n": 1, "share": 0.5, "odd": True}
    assert read(first.source) == picture()
    assert IMPORTER.total(path) == 2
    seen = IMPORTER.preview(path, limit=1)
    assert len(seen.records) == 1
    assert seen.total == 2
    assert seen.columns == {
        "label": "text",
        "image": "text",
        "n": "integer",
        "share": "number",
        "odd": "boolean",
    }
    assert "Images from column image, captions from caption, labels from label" in seen.notes[0]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_rows_in_a_row_with_one_image_are_its_captions(images, ending):
    names = ["im/a.jpg", "im/a.jpg", "im/b.jpg", "im/a.jpg"]
    rows = [{"file_name": n, "sentence": f"words {i}", "n": i} for i, n in enumerate(names)]
    found = list(IMPORTER.records(write(images / f"t.{ending}", rows)))
    assert [(r.key, r.captions) for r in found] == [
        ("im/a.jpg", ("words 0", "words 1")),
        ("im/b.jpg", ("words 2",)),
        ("im/a.jpg", ("words 3",)),
    ]
    assert found[0].meta["n"] == 0
    assert IMPORTER.total(images / f"t.{ending}") == 3


def test_bytes_columns(images):
    rows = [{"id": f"x{i}", "jpg": picture(), "text": "t"} for i in range(2)]
    first, _ = IMPORTER.records(write(images / "t.parquet", rows))
    assert (first.key, first.data, first.source) == ("x0", picture(), None)
    assert first.meta == {"id": "x0"}
    del rows[0]["id"], rows[1]["id"]
    assert [r.key for r in IMPORTER.records(write(images / "u.parquet", rows))] == ["u/0", "u/1"]
    assert IMPORTER.total(images / "u.parquet") == 2


def test_hugging_face_parquet(images):
    features = {
        "image": {"_type": "Image"},
        "label": {"names": ["cat", "dog"], "_type": "ClassLabel"},
    }
    rows = [
        {"image": {"bytes": picture(), "path": "x.jpg"}, "label": 1, "vector": [0.5, 0.5]},
        {"image": {"bytes": None, "path": "im/a.jpg"}, "label": 0, "vector": [1.0, 0.0]},
        {"image": {"bytes": b"", "path": None}, "label": 7, "vector": [1.0, 0.0]},
        {"image": None, "label": 0, "vector": [1.0, 0.0]},
    ]
    table = pa.Table.from_pylist(rows)
    text = json.dumps({"info": {"features": features}})
    path = images / "data" / "train-00000-of-00001.parquet"
    path.parent.mkdir()
    pq.write_table(table.replace_schema_metadata({"huggingface": text}), path)
    assert find(images / "data").key == find(images).key == "table"
    first, second, third, fourth = IMPORTER.records(images)
    assert (first.data, first.label, first.meta) == (picture(), "dog", {})
    assert second.source.uri == str(images / "data" / "im" / "a.jpg")
    assert second.label == "cat"
    for entry in (third, fourth):
        assert entry.reason == "no image in this row"
    assert IMPORTER.info(images) == {"class_names": ["cat", "dog"]}
    assert "Column vector is left out: lists of numbers." in IMPORTER.preview(images).notes


def test_addresses_are_never_opened(images):
    names = ["http://x.org/a.jpg", "s3://b/a.jpg", "FILE:///etc/a.jpg", "git+ssh://x/a.jpg"]
    path = write(images / "t.csv", [{"image": name} for name in [*names, "im/a.jpg"]])
    *refused, good = IMPORTER.records(path)
    assert [entry.key for entry in refused] == names
    assert all("an address" in entry.reason for entry in refused)
    assert isinstance(good, Record)


def test_absolute_paths_and_paths_upwards_are_followed(images):
    (images / "deep").mkdir()
    rows = [{"image": str(images / "im/a.jpg")}, {"image": "../im/b.jpg"}]
    for record in IMPORTER.records(write(images / "deep" / "t.csv", rows)):
        assert read(record.source) == picture()


def test_the_folder_of_the_images_can_be_named(images, tmp_path_factory):
    path = write(tmp_path_factory.mktemp("else") / "t.csv", [{"image": "a.jpg"}])
    (record,) = IMPORTER.records(path, image_root=str(images / "im"))
    assert read(record.source) == picture()


def test_columns_can_be_chosen(images):
    row = {"picture": "im/a.jpg", "caption": "x", "alt": "y", "kind": "z", "nr": 5, "label": "l"}
    path = write(images / "t.csv", [row])
    assert next(IMPORTER.records(path)).captions == ("x",)
    (record,) = IMPORTER.records(
        path,
        image_column="picture",
        caption_columns=["alt"],
        label_column="kind",
        id_column="nr",
    )
    assert (record.key, record.captions, record.label) == ("5", ("y",), "z")
    assert record.meta == {"picture": "im/a.jpg", "caption": "x", "nr": 5, "label": "l"}
    for option in ({"image_column": "a"}, {"caption_columns": ["a"]}, {"id_column": "a"}):
        with pytest.raises(UnknownName, match="column 'a'"):
            list(IMPORTER.records(path, **option))


def test_the_image_column_is_found_by_what_it_holds(images):
    path = write(images / "t.csv", [{"n": 1, "where": "im/a.jpg"}, {"n": 2, "where": "im/b.PNG"}])
    assert [r.key for r in IMPORTER.records(path)] == ["im/a.jpg", "im/b.PNG"]
    none = write(images / "u.csv", [{"n": 1, "words": "a cat"}])
    with pytest.raises(InputError, match="image_column"):
        list(IMPORTER.records(none))


def test_captions_may_be_lists(images):
    rows = [{"image": "im/a.jpg", "captions": ["one", " two ", "", "one"], "tags": ["x", "y"]}]
    for ending in ("jsonl", "parquet"):
        (record,) = IMPORTER.records(write(images / f"t.{ending}", rows))
        assert record.captions == ("one", "two")
        assert record.meta["tags"] == ["x", "y"]


def test_bad_lines_are_skipped_by_number(images):
    path = images / "t.jsonl"
    path.write_bytes(
        b'{"image": "im/a.jpg"}\n\n{broken\n[1]\n{"image": null}\n{"image": "a\\ud800.jpg"}\n'
    )
    first, *bad = IMPORTER.records(path)
    assert isinstance(first, Record)
    assert [entry.key for entry in bad] == ["t/1", "t/2", "t/3", "a\\ud800.jpg"]
    wanted = ["not JSON", "not an object", "no image in this row", "a name that no file can have"]
    for entry, reason in zip(bad, wanted, strict=True):
        assert isinstance(entry, Skipped)
        assert reason in entry.reason


def test_names_that_are_no_utf8_still_open(tmp_path):
    with open(bytes(tmp_path) + b"/caf\xe9.jpg", "wb") as file:  # noqa: PTH123
        file.write(picture())
    (tmp_path / "t.csv").write_bytes(b"image,caption\ncaf\xe9.jpg,un caf\xe9\n")
    (record,) = IMPORTER.records(tmp_path / "t.csv")
    assert read(record.source) == picture()
    assert record.key == "caf\\xe9.jpg"
    assert record.captions == ("un café",)


def test_image_folders_with_metadata(images):
    write(images / "metadata.jsonl", [{"file_name": "im/a.jpg", "text": "hello"}])
    assert find(images).key == "table"
    (record,) = IMPORTER.records(images)
    assert record.captions == ("hello",)


def test_a_damaged_parquet_file_is_named(images):
    path = write(images / "t.parquet", [{"image": "im/a.jpg"}])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"t\.parquet is no Parquet file"):
        list(IMPORTER.records(path))
