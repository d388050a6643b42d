"""Shards are read in place, nothing leaves them, and damage is named where it is."""

from __future__ import annotations

import io
import re
import tarfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.importers.making import picture, sample, write_tar
from workbench.importers.image import Limits
from workbench.importers.importer import Skipped
from workbench.importers.tar import Sample, samples


def keys(path, **options):
    return [entry.key for entry in samples(path, **options) if isinstance(entry, Sample)]


def reasons(path):
    return {e.key: e.reason for e in samples(path) if isinstance(e, Skipped)}


def test_parts_lie_where_the_offsets_say(tmp_path):
    files = [("a.jpg", b"first image"), ("a.txt", b"words"), ("b.seg.png", b"x" * 700)]
    path = write_tar(tmp_path / "0.tar", files)
    first, second = samples(path)
    content = path.read_bytes()
    assert list(first.parts) == ["jpg", "txt"]
    assert (second.key, list(second.parts)) == ("b", ["seg.png"])
    for entry, ending, data in ((first, "jpg", files[0][1]), (second, "seg.png", files[2][1])):
        part = entry.parts[ending]
        assert content[part.offset : part.offset + part.length] == data
        assert part.data is None
    assert first.parts["txt"].data == b"words"


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_compressed_tars_give_their_bytes_whatever_their_name(tmp_path, mode):
    path = write_tar(tmp_path / "misnamed.tar", sample("a", {"n": 1}), mode)
    (entry,) = samples(path)
    assert entry.image.data == picture()
    (small,) = samples(path, limits=Limits(max_bytes=10))
    assert small.image.data is None


def special(kind: bytes, name: str, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_members_that_lead_outside_or_are_no_files_are_refused(tmp_path):
    path = tmp_path / "bad" / "0.tar"
    path.parent.mkdir()
    hostile = ["../escape.jpg", "/abs.jpg", "a/../../b.jpg"]
    with tarfile.open(path, "w") as tar:
        for name in hostile:
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
        tar.addfile(special(tarfile.SYMTYPE, "link.jpg", "../../secret"))
        tar.addfile(special(tarfile.LNKTYPE, "hard.jpg", "/secret"))
        tar.addfile(special(tarfile.CHRTYPE, "device.jpg"))
        tar.addfile(special(tarfile.FIFOTYPE, "pipe.jpg"))
        tar.addfile(special(tarfile.DIRTYPE, "folder"))
        member = tarfile.TarInfo("good.jpg")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"good"))
    before = sorted(tmp_path.rglob("*"))
    assert keys(path) == ["good"]
    found = reasons(path)
    assert {found[name] for name in hostile} == {"its name leads outside the archive"}
    assert found["link.jpg"] == found["hard.jpg"] == "a link, not a file"
    assert found["device.jpg"] == found["pipe.jpg"] == "not a plain file"
    assert sorted(tmp_path.rglob("*")) == before, "something was extracted"


def test_hidden_members_and_a_leading_dot_folder_are_no_trouble(tmp_path):
    files = [("./a.jpg", b"1"), ("./._a.jpg", b"mac"), ("d/.hidden.jpg", b"2"), ("d/b.jpg", b"3")]
    assert keys(write_tar(tmp_path / "0.tar", files)) == ["a", "d/b"]


def test_names_that_are_no_utf8_stay_readable(tmp_path):
    path = tmp_path / "0.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo("caf\udce9.jpg")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    assert keys(path) == ["caf\\xe9"]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("keep", [0.35, 0.6, 0.8])
def test_a_shard_that_is_cut_off_gives_what_is_whole(tmp_path, mode, keep):
    noise = np.random.default_rng(0)  # so that it cannot be compressed away
    files = [f for i in range(40) for f in sample(f"s{i:02}", {"i": i}, bin=noise.bytes(9000))]
    path = write_tar(tmp_path / "0.tar", files, mode)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    found = list(samples(path))
    assert isinstance(found[-1], Skipped)
    assert re.search("damaged from sample s|no end mark", found[-1].reason)
    whole = [entry.key for entry in found[:-1]]
    assert whole == [f"s{i:02}" for i in range(len(whole))]
    assert len(whole) < 40
    if mode == "w":
        assert len(whole) == pytest.approx(40 * keep, abs=3)


def test_a_damaged_header_in_the_middle_is_noticed(tmp_path):
    path = write_tar(tmp_path / "0.tar", [(f"{i}.jpg", bytes(600)) for i in range(9)])
    data = bytearray(path.read_bytes())
    data[3 * 1536 + 20] ^= 0xFF  # the name in the header of 3.jpg: its checksum fails
    path.write_bytes(data)
    *whole, last = samples(path)
    assert [entry.key for entry in whole] == ["0", "1"]
    assert "from sample 2 on" in last.reason


def test_a_tar_without_its_end_mark_may_be_cut_off(tmp_path):
    path = write_tar(tmp_path / "0.tar", [(f"{i}.jpg", bytes(512)) for i in range(3)])
    path.write_bytes(path.read_bytes()[:2048])
    assert keys(path) == ["0", "1"]
    assert reasons(path) == {"": "the shard has no end mark: it may be cut off here"}


@pytest.mark.parametrize("data", [b"", b"no tar at all", bytes(10240), b"\x1f\x8b broken gzip"])
def test_what_is_no_tar_yields_no_sample(tmp_path, data):
    path = tmp_path / "0.tar"
    path.write_bytes(data)
    assert keys(path) == []
    assert all("damaged at its beginning" in reason for reason in reasons(path).values())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_anywhere_never_raises(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("tar") / "0.tar"
    mode = data.draw(st.sampled_from(["w", "w:gz", "w:xz"]))
    write_tar(path, [part for i in range(4) for part in sample(f"s{i}", {"i": i})], mode)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    for entry in samples(path):
        assert isinstance(entry, Sample | Skipped)
