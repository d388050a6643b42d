"""The committed shards of `test` and `scenes`, read with nothing but tarfile, json and Pillow."""

import csv
import io
import json
import tarfile
from collections import Counter

import numpy as np
import pytest
from PIL import Image

import sample_data

BACKGROUNDS = {
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "gray",
    "white",
}


def read(paths):
    items = {}
    for path in paths:
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            names = [member.name for member in members]
            assert names[::2] == [name.replace(".json", ".webp") for name in names[1::2]]
            for member in members:
                key, ending = member.name.split(".")
                items.setdefault(key, {"shard": path.name})[ending] = archive.extractfile(
                    member
                ).read()
    for item in items.values():
        item["json"] = json.loads(item["json"])
    return items


@pytest.fixture(scope="module")
def test_items():
    return read(sample_data.test_shards())


@pytest.fixture(scope="module")
def scenes():
    return read(sample_data.scenes_shards())


@pytest.fixture(scope="module")
def faults():
    with sample_data.faults_file().open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def concepts():
    return json.loads(sample_data.concepts_file().read_text(encoding="utf-8"))


def pixels(item):
    return np.asarray(Image.open(io.BytesIO(item["webp"])).convert("RGB"), dtype=float)


def test_keys_run_on_through_the_shards(test_items, scenes):
    for items in (test_items, scenes):
        assert list(items) == [f"{number:06d}" for number in range(len(items))]


def test_every_concept_has_three_noto_images_and_one_of_each_other_style(
    test_items, faults, concepts
):
    copies = {fault["item"] for fault in faults if fault["kind"] == "near-duplicate"}
    seen = Counter(
        (item["json"]["concept"], item["json"]["style"])
        for key, item in test_items.items()
        if key not in copies
    )
    expected = {"noto": 3, "twemoji": 1, "openmoji": 1, "openmoji-line": 1}
    assert seen == {(c["name"], style): n for c in concepts for style, n in expected.items()}


def test_columns_are_complete_and_true_to_the_table(test_items, concepts):
    place = {c["name"]: (c["group"], c["subgroup"]) for c in concepts}
    for item in test_items.values():
        columns = item["json"]
        assert list(columns) == (
            ["concept", "label", "style", "background", "size", "group", "subgroup", "caption"]
        )
        assert (columns["group"], columns["subgroup"]) == place[columns["concept"]]
        assert columns["concept"] in columns["caption"]
        assert columns["label"] in place


def test_backgrounds_and_sizes_are_balanced(test_items):
    backgrounds = Counter(item["json"]["background"] for item in test_items.values())
    sizes = Counter(item["json"]["size"] for item in test_items.values())
    assert set(backgrounds) == BACKGROUNDS and set(sizes) == {"small", "medium", "large"}
    assert max(backgrounds.values()) / min(backgrounds.values()) < 1.1
    assert max(sizes.values()) / min(sizes.values()) < 1.1


def test_spurious_concepts_leave_their_background_in_test(test_items, faults, concepts):
    copies = {fault["item"] for fault in faults if fault["kind"] == "near-duplicate"}
    for concept in concepts:
        if concept["spurious_background"] is None:
            continue
        seen = [
            item["json"]["background"]
            for key, item in test_items.items()
            if item["json"]["concept"] == concept["name"]
            and item["json"]["style"] == "noto"
            and key not in copies
        ]
        assert len(set(seen)) == 3
        assert seen.count(concept["spurious_background"]) == 1


def test_images_are_96_and_128_pixels(test_items, scenes):
    for key in list(test_items)[::100]:
        assert pixels(test_items[key]).shape == (96, 96, 3)
    for key in list(scenes)[::50]:
        assert pixels(scenes[key]).shape == (128, 128, 3)


def test_wrong_labels_are_exactly_those_of_the_truth_table(test_items, faults):
    wrong = [fault for fault in faults if fault["kind"] == "wrong-label"]
    told = {fault["item"]: (fault["given"], fault["true"], fault["shard"]) for fault in wrong}
    found = {
        key: (item["json"]["label"], item["json"]["concept"], item["shard"])
        for key, item in test_items.items()
        if item["json"]["label"] != item["json"]["concept"]
    }
    assert told == found
    assert len(wrong) / len(test_items) == pytest.approx(0.02, abs=0.001)


def test_near_duplicates_look_like_their_originals(test_items, faults):
    copies = [fault for fault in faults if fault["kind"] == "near-duplicate"]
    assert len(copies) / len(test_items) == pytest.approx(0.01, abs=0.001)
    for fault in copies:
        copy, original = test_items[fault["item"]], test_items[fault["original"]]
        assert copy["json"] == original["json"]
        assert copy["webp"] != original["webp"]
        assert np.abs(pixels(copy) - pixels(original)).mean() < 25, fault  # of 255


def test_text_files_of_the_benchmark_layout_match(concepts):
    folder = sample_data.ROOT / "test"
    names = (folder / "classnames.txt").read_text(encoding="utf-8").splitlines()
    assert names == [c["name"] for c in concepts]
    templates = (folder / "zeroshot_classification_templates.txt").read_text().splitlines()
    assert len(templates) > 10 and all("{c}" in template for template in templates)


def test_a_thousand_scenes_show_different_sets_of_two_or_three_concepts(scenes, concepts):
    known = {c["name"] for c in concepts}
    sets = [frozenset(item["json"]["concepts"]) for item in scenes.values()]
    assert len(scenes) == 1000 == len(set(sets))
    assert {len(names) for names in sets} == {2, 3}
    assert all(names <= known for names in sets)


def test_each_scene_has_two_captions_and_none_is_shared(scenes):
    captions = [caption for item in scenes.values() for caption in item["json"]["captions"]]
    assert len(captions) == 2000 == len(set(captions))
    for item in scenes.values():
        first = item["json"]["captions"][0]
        assert all(name in first for name in item["json"]["concepts"])
        assert item["json"]["background"] in first


def test_no_image_repeats(test_items, scenes):
    for items in (test_items, scenes):
        assert len({item["webp"] for item in items.values()}) == len(items)
