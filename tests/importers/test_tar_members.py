"""Members are found where Python's own tarfile finds them, whatever wrote the tar."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.importers.making import write_tar
from workbench.importers.tar_members import members

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
NAMES = st.one_of(
    st.text("abc./é", min_size=1, max_size=12),
    st.text("ab", min_size=90, max_size=160),
    st.tuples(st.text("ab", min_size=60, max_size=90), st.text("cd", min_size=60)).map("/".join),
)
KINDS = [tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE]


def write(path, files, style, **options):
    with tarfile.open(path, "w", format=style, **options) as tar:
        for name, data, kind, date in files:
            # An old-style file whose name ends in / is a folder, which has no content.
            member = tarfile.TarInfo(name.rstrip("/") or "a")
            member.type, member.mtime, member.linkname = kind, date, "x"
            member.size = len(data) if kind in (tarfile.REGTYPE, tarfile.AREGTYPE) else 0
            try:
                tar.addfile(member, io.BytesIO(data))
            except ValueError:  # a name too long for ustar
                continue
    return path


def by_tarfile(path):
    with tarfile.open(path) as tar:
        return [
            (m.name, m.offset_data, m.size, tar.extractfile(m).read() if m.isreg() else b"")
            for m in tar
            if not m.isdir()
        ]


def by_us(path):
    return [(m.name, m.offset, m.size, b"" if m.kind else m.content()) for m in members(path)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            NAMES,
            st.binary(max_size=1100),
            st.sampled_from(KINDS),
            st.sampled_from([0, 1.5, 10**10]),
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(FORMATS),
    st.booleans(),
)
def test_as_tarfile_reads_it(tmp_path_factory, files, style, shared):
    path = tmp_path_factory.mktemp("tar") / "0.tar"
    wide = {"pax_headers": {"comment": "for all"}} if shared and style == tarfile.PAX_FORMAT else {}
    write(path, [*files, ("last.jpg", b"x", tarfile.REGTYPE, 0)], style, **wide)
    assert by_us(path) == by_tarfile(path)


def test_a_header_for_all_files_is_heeded(tmp_path):
    path = tmp_path / "0.tar"
    files = [(f"{i}.jpg", b"data", tarfile.REGTYPE, 0) for i in range(3)]
    write(path, files, tarfile.PAX_FORMAT, pax_headers={"path": "same.jpg"})
    assert [name for name, *_ in by_us(path)] == ["same.jpg"] * 3
    assert by_us(path) == by_tarfile(path)


def test_plain_headers_do_not_go_through_tarfile(tmp_path, monkeypatch):
    path = write_tar(tmp_path / "0.tar", [(f"{i}.jpg", bytes(i)) for i in range(100)])
    wanted, calls = by_tarfile(path), []
    real = tarfile.TarFile.next

    def counted(self):
        calls.append(1)
        return real(self)

    monkeypatch.setattr(tarfile.TarFile, "next", counted)
    assert by_us(path) == wanted
    assert len(calls) <= 3


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_content_may_be_left_unread(tmp_path, mode):
    path = write_tar(tmp_path / "0.tar", [(f"{i}.jpg", bytes(600)) for i in range(5)], mode)
    assert [member.name for member in members(path)] == [f"{i}.jpg" for i in range(5)]
