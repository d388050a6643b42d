"""Rows, pictures, notes and tags through the API."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.api.toys import png
from workbench.errors import InputError, UnknownName
from workbench.filters import parse


def test_items_are_paged_sorted_and_filtered(bench):
    table = bench.items("toys", (parse("style=photo"),), sort=(("size", "desc"),), limit=2)
    assert table["item"].to_pylist() == ["car", "apple-1"]
    assert bench.count("toys", (parse("style=photo"),)) == 3
    assert bench.count("toys", search="apple") == 2
    assert dict(bench.facets("toys", "style")) == {"photo": 3, "line": 2}
    assert sum(bench.histogram("toys", "size", bins=3)[1]) == 5


def test_an_item_is_found_by_id_and_by_row(bench):
    by_id, by_row = bench.item("toys", "apple-1"), bench.item("toys", 0)
    assert by_id == by_row
    assert by_id.captions == ("a red apple", "fruit")
    assert by_id.columns["style"] == "photo"
    assert by_id.has_image


def test_unknown_items_are_named(bench):
    with pytest.raises(UnknownName, match="apple-9"):
        bench.item("toys", "apple-9")
    with pytest.raises(InputError, match="0 to 4"):
        bench.item("toys", 5)


def test_pictures_come_as_imported_and_as_thumbnails(bench):
    assert bench.image("toys", 1) == png((40, 0, 0))
    small = Image.open(io.BytesIO(bench.thumbnail("toys", 1, 32)))
    assert small.format == "WEBP"
    assert len(bench.thumbnails("toys", [0, 1], 32)) == 2


def test_notes_and_tags_are_kept(bench):
    bench.set_note("toys", "car", "no wheels")
    for tag in ("wrong", "later", "wrong"):
        bench.add_tag("toys", "car", tag)
    detail = bench.item("toys", "car")
    assert (detail.note, detail.tags) == ("no wheels", ("later", "wrong"))
    assert bench.all_tags("toys") == {"later": 1, "wrong": 1}
    bench.remove_tag("toys", "car", "later")
    assert bench.tags("toys", "car") == ("wrong",)


def test_the_report_and_the_catalogue_count(bench):
    assert [info.name for info in bench.datasets()] == ["toys"]
    assert (bench.dataset("toys").items, bench.dataset("toys").captions) == (5, 5)
    assert [(v.side, v.complete) for v in bench.vectors()] == [("image", True), ("caption", True)]
    assert {column.name for column in bench.columns("toys")} >= {"style", "size", "width"}
    assert bench.skipped("toys").num_rows == 0
    assert bench.report("toys").items == 5


def test_deleting_a_dataset_cancels_its_jobs(bench):
    job = bench.submit_embed("toys", "toy")
    bench.delete_dataset("toys")
    assert bench.job(job.id).state == "cancelled"


def test_a_deleted_dataset_is_gone_and_its_files_can_be_collected(bench):
    bench.delete_dataset("toys")
    assert bench.datasets() == ()
    paths, size = bench.gc()
    assert paths
    assert size > 0
    assert bench.gc(dry_run=False)[1] == size
    assert bench.gc() == ((), 0)
    assert bench.doctor() == ()
