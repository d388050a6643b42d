"""Uploads stay inside their folder, are kept once, and appear whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from store import uploads
from workbench.errors import DiskFull


class File:
    def __init__(self, name: str, data: bytes) -> None:
        self.name, self.data = name, data

    def getbuffer(self) -> memoryview:
        return memoryview(self.data)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cat.png", "cat.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.png", "y.png"),
        ("..", "file"),
        ("a\x00b\n.png", "ab.png"),
        (".hidden", "hidden"),
        ("", "file"),
    ],
)
def test_names_of_uploads_lose_their_folders(name: str, safe: str) -> None:
    assert uploads.safe_name(name) == safe


def test_an_upload_is_kept_once_and_inside_the_workspace(tmp_path: Path) -> None:
    files = [File("../a.png", b"1"), File("b.png", b"22")]
    folder = uploads.keep(tmp_path, files)
    assert folder.parent == tmp_path / "uploads"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {"a.png": b"1", "b.png": b"22"}
    assert uploads.keep(tmp_path, files) == folder
    assert uploads.keep(tmp_path, [File("a.png", b"other")]) != folder


def test_an_upload_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    folder = uploads.keep(tmp_path, [File("a.png", b"1")])
    before = (folder / "a.png").stat()
    uploads.keep(tmp_path, [File("a.png", b"1")])
    after = (folder / "a.png").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_full_disk_is_said_and_leaves_no_half_file(tmp_path: Path, monkeypatch) -> None:
    def full(_path: Path, _data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskFull):
        uploads.keep(tmp_path, [File("a.png", b"1")])
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_kept_file_is_found_by_its_place_and_nothing_else_is(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"x")
    folder = uploads.keep(tmp_path, [File("a b.csv", b"1")])
    assert uploads.find(tmp_path, f"{folder.name}/a b.csv") == folder / "a b.csv"
    for place in (
        "", folder.name, f"{folder.name}/b.csv", f"{folder.name}/../{folder.name}/a b.csv",
        f"{folder.name}/../../state.sqlite", "../state.sqlite", "..", f"{'0' * 16}/a b.csv",
    ):  # fmt: skip
        assert uploads.find(tmp_path, place) is None
