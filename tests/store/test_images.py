"""Reading image bytes wherever they lie, and the thumbnails made of them."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

from store.sources import read_image
from store.workspace import Workspace
from workbench.errors import BadImage, InputError, UnknownName, WorkspaceDamaged


def picture(width: int, height: int, colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def add(workspace: Workspace, item: str, data: bytes, digest: str | None) -> None:
    (source,) = workspace.tables.put_blob("birds", [data])
    columns = {"item": [item], "uri": [source.uri], "offset": [0], "length": [len(data)]}
    workspace.tables.append(
        "birds", pa.table({**columns, "digest": pa.array([digest], pa.string())})
    )


def test_a_whole_file_and_a_span_of_one(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"0123456789")
    assert read_image(tmp_path, str(path)) == b"0123456789"
    assert read_image(tmp_path, str(path), 3, 4) == b"3456"
    assert read_image(tmp_path, str(path), 8) == b"89"
    assert read_image(tmp_path, str(path), 3, 0) == b""


@pytest.mark.parametrize("uri", ["media/../../secret", "../secret", "media/link"])
def test_relative_sources_do_not_leave_the_workspace(workspace: Workspace, uri: str) -> None:
    secret = workspace.root.parent / "secret"
    secret.write_bytes(b"x")
    (workspace.root / "media").mkdir()
    (workspace.root / "media" / "link").symlink_to(secret)
    with pytest.raises(InputError, match="a path inside the workspace"):
        workspace.read_image(uri)


def test_what_cannot_be_read_is_named(workspace: Workspace, tmp_path: Path) -> None:
    short = tmp_path / "short.jpg"
    short.write_bytes(b"123")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for uri, length, reason in (
        (str(tmp_path / "gone.jpg"), -1, "No such file"),
        (str(short), 9, "only 3 of 9 bytes"),
        (str(tmp_path), -1, "something that is no file"),
        (str(pipe), -1, "something that is no file"),
        ("/nul\0l.jpg", -1, "null byte"),
    ):
        with pytest.raises(InputError, match=f"(?s)cannot be read: .*{reason}.*import it again"):
            workspace.read_image(uri, 0, length)
    with pytest.raises(WorkspaceDamaged, match=r"media.*workbench doctor"):
        workspace.read_image("media/birds/gone.bin", 0, 5)


def test_a_thumbnail_is_small_keeps_its_shape_and_is_cached(workspace: Workspace) -> None:
    add(workspace, "a", picture(400, 200), "d" * 32)
    data = workspace.thumbs.get("birds", 0, size=100)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("WEBP", (100, 50))
        red, green, blue = image.convert("RGB").getpixel((50, 25))  # type: ignore[misc]
        assert red > 240 and green < 20 and blue < 20
    path = workspace.thumbs.path("birds", 0, size=100)
    assert path.relative_to(workspace.root).as_posix() == f"thumbs/dd/{'d' * 32}-100.webp"
    path.write_bytes(b"cached")
    assert workspace.thumbs.get("birds", 0, size=100) == b"cached"
    path.unlink()
    assert workspace.thumbs.get("birds", 0, size=100) == data


def test_small_pictures_are_not_enlarged_and_equal_ones_share_a_file(workspace: Workspace) -> None:
    add(workspace, "a", picture(20, 10), "e" * 32)
    add(workspace, "b", picture(20, 10), "e" * 32)
    add(workspace, "c", picture(30, 10), None)
    made = workspace.thumbs.get_many("birds", [2, 0, 1], size=160)
    assert [Image.open(io.BytesIO(m)).size for m in made] == [(30, 10), (20, 10), (20, 10)]
    assert len(list((workspace.root / "thumbs").rglob("*.webp"))) == 2
    assert not list((workspace.root / "thumbs").rglob(".tmp-*"))


def test_what_gives_no_thumbnail_says_why(workspace: Workspace) -> None:
    add(workspace, "bad", b"no image", "f" * 32)
    workspace.tables.append("birds", pa.table({"item": ["none"]}))
    with pytest.raises(BadImage):
        workspace.thumbs.get("birds", 0)
    with pytest.raises(InputError, match="item 'none' of 'birds' has no image"):
        workspace.thumbs.get("birds", 1)
    with pytest.raises(InputError, match="rows 0 to 1"):
        workspace.thumbs.get("birds", 2)
    with pytest.raises(UnknownName):
        workspace.thumbs.get("fish", 0)
    for size in (0, 15, 1025):
        with pytest.raises(InputError, match="16 to 1024 pixels"):
            workspace.thumbs.get("birds", 0, size)


def test_threads_make_the_same_thumbnail_at_once(workspace: Workspace) -> None:
    add(workspace, "a", picture(64, 64), "a" * 32)
    made: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: made.append(workspace.thumbs.get("birds", 0, 32)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1
