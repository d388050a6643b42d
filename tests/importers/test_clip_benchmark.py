"""CLIP_benchmark's layout: classes are counted by number, names and templates are kept."""

from __future__ import annotations

import pytest

from tests.importers.making import sample, write_tar
from workbench.importers.clip_benchmark import ClipBenchmark
from workbench.importers.importer import Skipped
from workbench.importers.register import find

IMPORTER = ClipBenchmark()


@pytest.fixture
def world(tmp_path):
    root = tmp_path / "cars"
    files = [f for i in range(3) for f in sample(f"s{i:07}", cls=str(i).encode())]
    write_tar(root / "test" / "0.tar", files)
    write_tar(root / "train" / "0.tar", files[:2])
    (root / "test" / "nshards.txt").write_text("1\n")
    (root / "classnames.txt").write_text("red car\nblue car\n\n", "utf-8")
    (root / "zeroshot_classification_templates.txt").write_text("a photo of a {c}.\n{c}\n")
    return root


def test_classes_are_named(world):
    found = {entry.key: entry for entry in IMPORTER.records(world)}
    assert list(found) == [
        "test/0/s0000000",
        "test/0/s0000001",
        "test/0/s0000002",
        "train/0/s0000000",
    ]
    assert [found[f"test/0/s000000{i}"].label for i in (0, 1)] == ["red car", "blue car"]
    assert found["train/0/s0000000"].meta == {"split": "train"}
    assert found["test/0/s0000002"] == Skipped(
        "test/0/s0000002", "class 2, but there are 2 class names"
    )


@pytest.mark.parametrize("part", [".", "test", "test/0.tar", "{test,train}/0.tar"])
def test_any_path_into_it_finds_the_names(world, part):
    path = world / part
    assert find(path).key == "clip-benchmark"
    info = IMPORTER.info(path)
    assert info["class_names"] == ["red car", "blue car"]
    assert info["templates"] == ["a photo of a {c}.", "{c}"]
    assert next(IMPORTER.records(path)).label == "red car"


def test_names_beside_the_shards(world):
    (world / "classnames.txt").rename(world / "test" / "classnames.txt")
    assert next(IMPORTER.records(world / "test")).label == "red car"
    assert next(IMPORTER.records(world / "test")).meta == {}


def test_preview_counts_names_and_templates(world):
    assert IMPORTER.preview(world).notes[0] == "2 tar shards, 2 class names, 2 templates."
    assert IMPORTER.preview(world).total == 4


def test_retrieval_sets_have_a_caption_a_line(tmp_path):
    write_tar(tmp_path / "test" / "0.tar", sample("a", txt="one\ntwo\n\nthrée\n".encode()))
    (tmp_path / "dataset_type.txt").write_text("retrieval\n")
    (record,) = IMPORTER.records(tmp_path)
    assert record.captions == ("one", "two", "thrée")
    (tmp_path / "dataset_type.txt").unlink()
    (plain,) = find(tmp_path).records(tmp_path)
    assert plain.captions == ("one\ntwo\n\nthrée",)


def test_plain_shards_are_no_clip_benchmark(tmp_path):
    write_tar(tmp_path / "0.tar", sample("a"))
    assert not IMPORTER.detect(tmp_path)
    assert find(tmp_path).key == "webdataset"
