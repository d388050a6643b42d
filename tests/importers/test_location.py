"""File names survive being stored as text; bytes are read where a source points."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadImage
from workbench.importers.image import Limits
from workbench.importers.location import is_url, local_source, path_of, read, readable, uri_of
from workbench.types import Source

NAMES = st.binary(min_size=1, max_size=30).filter(
    lambda name: b"/" not in name and b"\0" not in name
)


@given(NAMES)
def test_every_name_that_a_disk_can_hold_comes_back(name):
    path = Path(os.fsdecode(b"/data/" + name))
    uri = uri_of(path)
    uri.encode("utf-8")
    assert os.fsencode(path_of(uri)) == os.fsencode(path)
    readable(os.fsdecode(name)).encode("utf-8")


def test_plain_names_stay_as_they_are():
    assert uri_of(Path("/a/été 1%.jpg")) == "/a/été 1%.jpg"
    assert uri_of(Path("b.jpg")) == str(Path.cwd() / "b.jpg")
    assert uri_of(Path(os.fsdecode(b"/a/\xe9.jpg"))) == "file:///a/%E9.jpg"
    assert readable(os.fsdecode(b"\xe9 \xc3\xa9")) == "\\xe9 é"


@pytest.mark.parametrize(
    "text", ["http://a/b", "HTTPS://a", "s3://b", "file:///etc", "git+ssh://a"]
)
def test_addresses(text):
    assert is_url(text)
    with pytest.raises(ValueError, match="an address"):
        local_source(Path("/data"), text)


@pytest.mark.parametrize(
    "text", ["a.jpg", "/a/b.jpg", "C:\\a.jpg", "a:b", "://x", "../a b://c.jpg"]
)
def test_no_addresses(text):
    assert not is_url(text)
    assert local_source(Path("/data"), text).length == -1


def test_whole_files_and_spans(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    assert read(Source(str(path))) == b"0123456789"
    assert read(Source(str(path), 3, 4)) == b"3456"
    assert read(Source(str(path), 4)) == b"456789"
    assert read(Source(str(path), 9, 0)) == b""


def test_what_cannot_be_read_says_why(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    os.mkfifo(tmp_path / "pipe")
    for source, reason in (
        (Source(str(tmp_path / "none")), "does not exist"),
        (Source(str(tmp_path)), "no file"),
        (Source(str(tmp_path / "pipe")), "no file"),
        (Source(str(path), 8, 5), "2 bytes of 5: the file is cut off"),
        (Source("/a\0b"), "does not exist"),
    ):
        with pytest.raises(BadImage) as caught:
            read(source)
        assert reason in caught.value.got
    with pytest.raises(BadImage, match="more than the limit of 9"):
        read(Source(str(path)), limits=Limits(max_bytes=9))
