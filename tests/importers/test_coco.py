"""COCO captions: every caption reaches its image, the folder is found."""

from __future__ import annotations

import json

import pytest

from tests.importers.making import picture, write_folder
from workbench.errors import InputError
from workbench.importers.coco import CocoCaptions
from workbench.importers.importer import Skipped
from workbench.importers.location import read
from workbench.importers.register import find

IMPORTER = CocoCaptions()


def content():
    return {
        "info": {"year": 2017},
        "licenses": [{"id": 1, "name": "CC"}],
        "images": [
            {"id": 9, "file_name": "000009.jpg", "width": 640, "height": 480, "license": 3},
            {"id": 2, "file_name": "000002.jpg", "coco_url": "http://x/2.jpg"},
        ],
        "annotations": [
            {"id": 1, "image_id": 2, "caption": "second"},
            {"id": 2, "image_id": 9, "caption": "first one "},
            {"id": 3, "image_id": 9, "caption": "first two"},
            {"id": 4, "image_id": 77, "caption": "of nothing"},
        ],
    }


def write(root, where="annotations/captions_val2017.json", images="val2017", change=None):
    files = dict.fromkeys((f"{images}/000009.jpg", f"{images}/000002.jpg"), picture())
    write_folder(root, files)
    value = content()
    if change:
        change(value)
    (root / where).parent.mkdir(exist_ok=True, parents=True)
    (root / where).write_text(json.dumps(value))
    return root / where


def test_captions_reach_their_images(tmp_path):
    path = write(tmp_path)
    assert find(path).key == find(tmp_path).key == "coco"
    first, second, lost = IMPORTER.records(path)
    assert (first.key, first.captions) == ("000009.jpg", ("first one", "first two"))
    assert first.meta == {"coco_id": 9, "license": 3}
    assert (second.key, second.captions) == ("000002.jpg", ("second",))
    assert read(second.source) == picture()
    assert lost == Skipped("image_id 77", "1 captions of an image that the file does not list")
    assert IMPORTER.info(path)["info"] == {"year": 2017}
    seen = IMPORTER.preview(path, limit=1)
    assert (seen.total, seen.captions, len(seen.records)) == (2, True, 1)
    assert seen.notes[0].startswith("2 images, 4 captions, images in ")


@pytest.mark.parametrize(
    ("where", "images"),
    [
        ("captions_val2017.json", "val2017"),
        ("captions_val2017.json", "images"),
        ("a/captions_val2017.json", "a"),
        ("annotations/captions_val2017.json", "images/val2017"),
        ("annotations/captions_val2017.json", "images"),
    ],
)
def test_the_folder_of_the_images_is_found(tmp_path, where, images):
    path = write(tmp_path, where, images)
    assert read(next(IMPORTER.records(path)).source) == picture()


def test_the_folder_of_the_images_can_be_named(tmp_path):
    path = write(tmp_path / "a", images="../far/away")
    with pytest.raises(InputError, match="image_root"):
        list(IMPORTER.records(path))
    found = IMPORTER.records(path, image_root=str(tmp_path / "far/away"))
    assert read(next(found).source) == picture()


def test_odd_entries_are_skipped(tmp_path):
    def change(value):
        value["images"] += [{"id": 5}, 7, {"id": 6, "file_name": "http://x/a.jpg"}]
        value["annotations"] += [{"image_id": 2}, "text", {"image_id": [1], "caption": "x"}]

    found = list(IMPORTER.records(write(tmp_path, change=change)))
    reasons = [entry.reason for entry in found if isinstance(entry, Skipped)]
    assert reasons[:3] == [
        "it has no file_name",
        "it has no file_name",
        "an address; only images on this machine are read",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "a JSON file"),
        ("[]", "a JSON object"),
        ('{"images": []}', "the lists images and annotations"),
        ('{"images": [], "annotations": [{"bbox": [1]}]}', "annotations with captions"),
    ],
)
def test_other_json_is_refused(tmp_path, text, message):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        list(IMPORTER.records(path))


def test_more_than_one_file_in_a_folder_is_no_choice_to_make(tmp_path):
    write(tmp_path)
    write(tmp_path, "annotations/captions_train2017.json")
    assert not IMPORTER.detect(tmp_path)
    with pytest.raises(InputError, match="more than one"):
        list(IMPORTER.records(tmp_path))
