"""The import job: everything arrives, once, with its reasons where it does not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from store import doctor
from tests.importers.making import (
    BLUE,
    GREEN,
    RED,
    encoded,
    picture,
    png_header_only,
    sample,
    write_folder,
    write_tar,
)
from tests.worker.import_world import column, leftovers, perform, run, skipped, submit
from workbench.errors import InputError, UnknownName
from workbench.worker import import_job

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "data" / "photos"


def test_a_folder_arrives_with_sizes_and_digests(workspace, tmp_path):
    data = {"cat/a.jpg": picture(RED, (40, 30)), "dog/b.png": encoded(Image.new("L", (7, 9)))}
    source = write_folder(tmp_path / "in", data)
    result = run(workspace, source)
    assert (result["imported"], result["already"], result["skipped"]) == (2, 0, 0)
    assert (result["items"], result["captions"], result["importer"]) == (2, 0, "folder")
    table = workspace.tables.items("d").to_pylist()
    for row, (name, content) in zip(table, data.items(), strict=True):
        assert row["item"] == name
        assert row["label"] == name.split("/")[0]
        assert row["bytes"] == len(content)
        assert row["digest"] == hashlib.blake2b(content, digest_size=16).hexdigest()
        assert workspace.read_image(row["uri"], row["offset"], row["length"]) == content
    assert [(row["width"], row["height"]) for row in table] == [(40, 30), (7, 9)]
    job = workspace.jobs.list()[0]
    assert (job.done, job.total, job.state) == (2, 2, "done")
    assert job.message.startswith("2 imported; ")


def test_every_fault_is_skipped_with_its_reason(workspace, tmp_path):
    whole = picture(size=(300, 300))
    faults = {
        "bomb.png": (png_header_only(60_000, 60_000), "pixels"),
        "cut.jpg": (whole[: len(whole) // 2], "damaged"),
        "drawing.svg": (b"<svg></svg>", "an SVG drawing"),
        "empty.jpg": (b"", "an empty file"),
        "photo.heic": (b"\x00\x00\x00\x18ftypheic" + bytes(40), "a HEIC image"),
        "readme.txt": (b"hello", "text"),
        "wrong.png": (b"GIF89a", "a damaged GIF image"),
    }
    source = write_folder(tmp_path / "in", {name: data for name, (data, _) in faults.items()})
    write_folder(source, {"good.jpg": whole})
    with (source / "giant.jpg").open("wb") as file:
        file.truncate(300 * 2**20)  # sparse: no room is taken
    (source / "link.jpg").symlink_to("/etc/hostname")
    result = run(workspace, source)
    assert (result["imported"], result["skipped"]) == (1, 9)
    assert sum(count for _, count in result["reasons"]) == 9
    reasons = skipped(workspace)
    for name, (_, reason) in faults.items():
        assert reason in reasons[name], name
    assert "more than the limit" in reasons["giant.jpg"]
    assert "leads out" in reasons["link.jpg"]
    assert workspace.catalog.dataset("d").skipped == 9


def test_importing_the_same_again_adds_nothing(workspace, tmp_path):
    source = write_folder(tmp_path / "in", {f"{i}.jpg": picture() for i in range(5)})
    write_folder(source, {"bad.jpg": b"x"})
    run(workspace, source)
    before = workspace.catalog.dataset("d")
    again = run(workspace, source)
    assert (again["imported"], again["already"], again["skipped"]) == (0, 5, 1)
    assert workspace.catalog.dataset("d") == before
    write_folder(source, {"bad.jpg": picture(), "new.jpg": picture()})
    third = run(workspace, source)
    assert (third["imported"], third["already"], third["skipped"]) == (2, 5, 0)
    assert workspace.catalog.dataset("d").skipped == 0
    assert sorted(column(workspace, "row")) == list(range(7))


def test_what_is_there_is_not_decoded_again(workspace, tmp_path, monkeypatch):
    source = write_folder(tmp_path / "in", {f"{i}.jpg": picture() for i in range(5)})
    run(workspace, source)
    monkeypatch.setattr("workbench.worker.import_reading.probe", lambda *_, **__: 1 / 0)
    assert run(workspace, source)["already"] == 5


def test_bytes_of_compressed_shards_are_kept_in_the_workspace(workspace, tmp_path):
    colours = [RED, GREEN, BLUE]
    files = [f for i, c in enumerate(colours) for f in sample(f"s{i}", {"n": i}, jpg=picture(c))]
    path = write_tar(tmp_path / "0.tar.gz", files, "w:gz")
    run(workspace, path)
    path.unlink()
    for row, colour in zip(workspace.tables.items("d").to_pylist(), colours, strict=True):
        assert row["uri"].startswith("media/d/")
        assert workspace.read_image(row["uri"], row["offset"], row["length"]) == picture(colour)


def test_images_of_plain_shards_stay_where_they_are(workspace, tmp_path):
    path = write_tar(tmp_path / "0.tar", sample("s", {"caption": "x"}))
    run(workspace, path)
    assert column(workspace, "uri") == [str(path)]
    assert not (workspace.root / "media").exists()


def test_captions_belong_to_their_items(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(import_job, "PART_ENTRIES", 3)
    files = [f for i in range(8) for f in sample(f"s{i}", {"captions": [f"{i}"] * 2 + [f"{i}b"]})]
    run(workspace, write_tar(tmp_path / "0.tar", files))
    captions = workspace.tables.captions("d").to_pylist()
    assert [(c["item_row"], c["text"]) for c in captions] == [
        (i, text) for i in range(8) for text in (f"{i}", f"{i}b")
    ]


def test_columns_keep_their_names_and_widen(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(import_job, "PART_ENTRIES", 2)
    objects = [
        {"a": 1, "Width": 5, "width": 6, "row": "r", "t": ["x"], "ok": True, "n": 1},
        {"a": 2, "late": 1.5, "t": ["y"], "ok": False, "n": 2},
        {"a": "three", "width": 7, "t": "z", "ok": "maybe", "n": 0.5},
        {"a": None, "late": 2, "t": 5, "ok": None, "n": 3},
    ]
    lines = [json.dumps({"image": f"{i}.jpg", **fields}) for i, fields in enumerate(objects)]
    source = write_folder(tmp_path / "in", {f"{i}.jpg": picture() for i in range(4)})
    (source / "t.jsonl").write_text("\n".join(lines))
    for dataset in ("d", "e"):
        run(workspace, source / "t.jsonl", dataset)
    assert column(workspace, "a") == ["1", "2", "three", None]
    assert column(workspace, "Width_") == [5, None, None, None]
    assert column(workspace, "width__") == [6, None, 7, None]
    assert column(workspace, "row_") == ["r", None, None, None]
    assert column(workspace, "late") == [None, 1.5, None, 2.0]
    assert column(workspace, "t") == [["x"], ["y"], ["z"], ["5"]]
    assert column(workspace, "ok") == ["true", "false", "maybe", None]
    assert column(workspace, "n") == [1.0, 2.0, 0.5, 3.0]


def test_two_items_of_one_name_are_one(workspace, tmp_path):
    files = [*sample("a", {"n": 1}), *sample("b"), *sample("a", {"n": 2})]
    result = run(workspace, write_tar(tmp_path / "0.tar", files))
    assert (result["imported"], result["skipped"]) == (2, 1)
    assert column(workspace, "n") == [1, None]
    assert "same name" in skipped(workspace)["0/a"]


def test_frames_are_recorded(workspace, tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN)]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    run(workspace, write_folder(tmp_path / "in", {"a.gif": moving, "b.jpg": picture()}))
    assert column(workspace, "frames") == [2, None]


def test_nothing_at_all_is_a_failure_with_reasons(workspace, tmp_path):
    source = write_folder(tmp_path / "in", {"a.jpg": b"x", "b.jpg": b"", "c.jpg": b"y"})
    with pytest.raises(InputError, match="2 × text; 1 × an empty file"):
        run(workspace, source)
    assert len(skipped(workspace)) == 3
    assert workspace.jobs.list()[0].state == "failed"


def test_input_that_cannot_be_used_is_refused_at_once(workspace, tmp_path):
    with pytest.raises(InputError, match="existing"):
        run(workspace, tmp_path / "none")
    source = write_folder(tmp_path / "in", {"a.jpg": picture()})
    with pytest.raises(UnknownName, match="image_column"):
        run(workspace, source, image_column="x")
    with pytest.raises(UnknownName, match="importer"):
        perform(workspace, submit(workspace, source, importer="zip"))
    with pytest.raises(InputError, match="dataset name"):
        run(workspace, source, "../up")
    assert workspace.catalog.datasets() == ()


def test_a_dataset_may_come_from_several_sources(workspace, tmp_path):
    one = write_folder(tmp_path / "one", {"cat/a.jpg": picture()})
    two = write_tar(tmp_path / "two.tar", sample("b", {"label": 3, "caption": "x"}))
    run(workspace, one)
    run(workspace, two)
    assert column(workspace, "item") == ["cat/a.jpg", "two/b"]
    assert column(workspace, "label") == ["cat", "3"]
    assert workspace.catalog.dataset("d").source == str(one)


def test_a_full_disk_leaves_whole_parts(workspace, tmp_path, monkeypatch):
    import errno

    from workbench.errors import DiskFull

    monkeypatch.setattr(import_job, "PART_ENTRIES", 3)
    source = write_folder(tmp_path / "in", {f"{i}.jpg": picture() for i in range(8)})
    real, calls = pq.write_table, []

    def write(*args, **options):
        calls.append(args)
        if len(calls) == 2:
            Path(args[1]).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args, **options)

    monkeypatch.setattr(pq, "write_table", write)
    with pytest.raises(DiskFull, match="no room left"):
        run(workspace, source)
    assert workspace.catalog.dataset("d").items == 3
    assert leftovers(workspace) == []
    result = run(workspace, source)
    assert (result["imported"], result["already"]) == (5, 3)
    assert column(workspace, "item") == [f"{i}.jpg" for i in range(8)]


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs of ../shared/data are not here")
def test_real_photographs(workspace):
    result = run(workspace, PHOTOS, "photos")
    assert (result["imported"], result["skipped"]) == (300, 0)
    report = workspace.tables.report("photos")
    assert (report.items, report.formats) == (300, (("JPEG", 300),))
    assert set(column(workspace, "label", "photos")) == {path.name for path in PHOTOS.iterdir()}
    table = workspace.tables.items("photos", columns=["width", "height"])
    sides = np.maximum(table["width"].to_numpy(), table["height"].to_numpy())
    assert sides.max() <= 320
    assert doctor.check(workspace) == ()
