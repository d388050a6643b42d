from __future__ import annotations

import csv
import errno
import hashlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import DiskFull, InputError
from workbench.longtail import tail_set
from workbench.longtail.tail_set import Manifest, rarest, write_tail_set

NAMES = ["emu", "cat", "axolotl", "dodo", "dog"]
COUNTS = np.array([3.0, 100.0, 3.0, math.nan, 0.0])
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def manifest_of(names, counts=None, k=9):
    counts = np.arange(len(names)) if counts is None else counts
    return Manifest.of(names, counts, k, corpus="captions", rule="phrases", created=NOON)


def test_the_rarest_first_and_ties_by_name():
    assert [NAMES[i] for i in rarest(NAMES, COUNTS, 3)] == ["dog", "axolotl", "emu"]
    assert [NAMES[i] for i in rarest(NAMES, COUNTS, 99)] == ["dog", "axolotl", "emu", "cat"]


def test_a_set_on_disk(tmp_path):
    made = manifest_of(NAMES, COUNTS, 3)
    images = [("emu", "1.png", b"one"), ("dog", "a.jpg", b"two"), ("emu", "1.png", b"three")]
    written = write_tail_set(tmp_path / "tail", made, iter(images))
    assert (written.images, written.bytes, written.empty) == (3, 11, ("axolotl",))
    root = written.folder
    assert (root / "classes.txt").read_text() == "dog\naxolotl\nemu\n"
    assert (root / "images/emu/1.png").read_bytes() == b"one"
    assert (root / "images/emu/1-2.png").read_bytes() == b"three"
    data = json.loads((root / "manifest.json").read_text())
    assert data["classes"][0] == {"name": "dog", "count": 0, "folder": "images/dog", "images": 1}
    assert (data["k"], data["concepts"], data["absent"]) == (3, 5, 1)
    assert (data["corpus"], data["rule"]) == ("captions", "phrases")
    assert data["created"] == "2026-01-02T12:00:00+00:00" and "workbench" in data["versions"]
    with (root / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        content = (root / row["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert len(content) == int(row["bytes"])
    assert [row["class"] for row in rows] == ["emu", "dog", "emu"]
    assert [p.name for p in tmp_path.iterdir()] == ["tail"]


def test_it_comes_back_as_an_image_folder(tmp_path):
    from workbench.importers.folder import ImageFolder

    made = manifest_of(["red fox", "lynx"])
    written = write_tail_set(
        tmp_path / "t", made, [("red fox", "a.png", b"x"), ("lynx", "b.png", b"y")]
    )
    records = list(ImageFolder().records(written.folder / "images"))
    assert sorted(each.label for each in records) == ["lynx", "red fox"]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=6, unique=True), st.text(max_size=300))
def test_no_name_leads_out_of_the_folder(names, file_name):
    taken: set[str] = set()
    made = [tail_set._safe(name, taken, "class") for name in [*names, file_name]]
    assert len({each.casefold() for each in made}) == len(made)
    for each in made:
        assert each == Path(each).name and each not in ("", ".", "..")
        assert len(each.encode()) <= 120 and each == each.strip(" .")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\x\x00.png", "C__x_.png"),
        ("..", "otherwise"),
        ("nul.png", "_nul.png"),
        ("ä" * 100 + ".jpeg", "ä" * 57 + ".jpeg"),
    ],
)
def test_hostile_names(name, safe):
    assert tail_set._safe(name, set(), "otherwise") == safe


def test_hostile_names_on_disk(tmp_path):
    names = ["../up", "/abs", "A", "a", "x\ny"]
    images = [(name, "../../out.png", name.encode()) for name in names]
    write_tail_set(tmp_path / "in" / "t", manifest_of(names), images)
    files = list(tmp_path.rglob("*.png"))
    assert len(files) == 5
    assert all(p.is_relative_to(tmp_path / "in" / "t" / "images") for p in files)
    assert (tmp_path / "in" / "t" / "classes.txt").read_text().count("\n") == 5


def test_a_break_leaves_nothing(tmp_path):
    def breaking():
        yield "cat", "1.png", b"one"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_tail_set(tmp_path / "t", manifest_of(["cat"]), breaking())
    with pytest.raises(InputError, match="'dog'"):
        write_tail_set(tmp_path / "t", manifest_of(["cat"]), [("dog", "1.png", b"")])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskFull, match="no room"):
        write_tail_set(tmp_path / "t", manifest_of(["cat"]), [("cat", "1.png", b"")])
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "empty").mkdir()
    assert write_tail_set(tmp_path / "empty", manifest_of(["cat"]), []).images == 0
    with pytest.raises(InputError, match="nothing is overwritten"):
        write_tail_set(tmp_path / "empty", manifest_of(["cat"]), [])
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="new or empty"):
        write_tail_set(tmp_path / "link", manifest_of(["cat"]), [])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rarest(["a"], [1, 2], 1), "1, one a name"),
        (lambda: rarest(["a"], [1], 0), "k from 1"),
        (lambda: rarest(["a"], [math.nan], 1), "0 concepts with a count"),
    ],
)
def test_what_cannot_be_used_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
