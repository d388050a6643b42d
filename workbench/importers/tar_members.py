"""Members of a tar in the order of the file: names and spans. Nothing is written anywhere.

``tarfile`` understands every kind of member, but takes a fifth of a millisecond for each. The
headers of plain files with short names, which is nearly all of them, are read here directly, and
whatever else comes is left to it.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

__all__ = ["DAMAGE", "Member", "NoEndMarkError", "compression", "members"]

DAMAGE = (tarfile.TarError, OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)
"""What reading a damaged tar may raise."""

_BLOCK = tarfile.BLOCKSIZE
_EXTRAS = 4096
_TELLING = (b"path=", b"size=", b"linkpath=", b"GNU.sparse", b"charset=")
"""Facts in a pax header that change what the next header says."""
_OPEN: dict[str, Callable[..., Any]] = {
    "": open,
    "gz": gzip.open,
    "bz2": bz2.open,
    "xz": lzma.open,
}
_COMPRESSED = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"))


class NoEndMarkError(Exception):
    """The tar ends after a whole member, without the empty blocks that end a tar."""


@dataclass(frozen=True)
class Member:
    """One member that is no folder.

    Args:
        name: as written; undecodable bytes as lone surrogates.
        offset, size: the span of its content in the tar before compression.
        content: reads its bytes; only until the next member is asked for.
        kind: empty for a plain file, otherwise what it is instead, e.g. ``a link, not a file``.
    """

    name: str
    offset: int
    size: int
    content: Callable[[], bytes]
    kind: str = ""


def compression(path: Path) -> str:
    """``gz``, ``bz2`` or ``xz`` by the file's first bytes; empty for an uncompressed tar.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(6)
    return next((name for magic, name in _COMPRESSED if head.startswith(magic)), "")


def members(path: Path) -> Iterator[Member]:
    """Every member but the folders.

    Raises:
        NoEndMarkError: after the last member, when an uncompressed tar just stops there.
        Exception: one of ``DAMAGE``, after the last member that is whole.
    """
    packed = compression(path)
    with ExitStack() as stack:
        file = stack.enter_context(_OPEN[packed](path, "rb"))
        tar = stack.enter_context(tarfile.open(fileobj=file, mode="r|" if packed else "r:"))
        yield from _any(tar) if packed else _plain(file, tar)
        if not packed:
            file.seek(tar.offset)
        _check_end(file, marked=not packed)


def _any(tar: tarfile.TarFile) -> Iterator[Member]:
    while (info := _next(tar)) is not None:
        if not info.isdir():
            yield _member(tar, info)


def _plain(file: IO[bytes], tar: tarfile.TarFile) -> Iterator[Member]:
    descriptor = file.fileno()
    info = _next(tar)
    while info is not None:
        if not info.isdir():
            yield _member(tar, info)
        # Headers for all the files that follow (pax "g") may change names and sizes.
        while not tar.pax_headers and (found := _short(descriptor, tar.offset)) is not None:
            tar.offset = found.offset + _padded(found.size)
            yield found
        info = _next(tar)


def _next(tar: tarfile.TarFile) -> tarfile.TarInfo | None:
    info = tar.next()
    tar.members = []  # type: ignore[attr-defined]  # tarfile keeps every header otherwise
    return info


def _member(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    def content() -> bytes:
        stream = tar.extractfile(info)
        return b"" if stream is None else stream.read()

    kind = ""
    if info.issym() or info.islnk():
        kind = "a link, not a file"
    elif not info.isreg() or info.issparse():
        kind = "not a plain file"
    return Member(info.name, info.offset_data, info.size, content, kind)


def _short(descriptor: int, offset: int) -> Member | None:
    """The plain file that begins here, when its header says all; None for anything else."""
    header = _header(descriptor, offset)
    if header is not None and header[0] == b"x" and header[2] <= _EXTRAS:
        # Facts about the next file (pax "x"), most often the fraction of a second of its date.
        facts = os.pread(descriptor, header[2], offset + _BLOCK)
        if any(word in facts for word in _TELLING):
            return None
        offset += _BLOCK + _padded(header[2])
        header = _header(descriptor, offset)
    if header is None or header[0] not in (b"0", b"\x00") or header[1].endswith(b"/"):
        return None
    _, name, size = header
    start = offset + _BLOCK
    if start + size > os.fstat(descriptor).st_size:
        raise tarfile.ReadError("unexpected end of data")

    def content() -> bytes:
        return os.pread(descriptor, size, start)

    return Member(name.decode("utf-8", "surrogateescape"), start, size, content)


def _header(descriptor: int, offset: int) -> tuple[bytes, bytes, int] | None:
    """(type, name, size) of a header in the plainest form; None for others and damaged ones."""
    block = os.pread(descriptor, _BLOCK, offset)
    if len(block) < _BLOCK or block[345]:  # a name that goes on in the prefix field
        return None
    name = block[:100].partition(b"\x00")[0]
    size, check = _octal(block[124:136]), _octal(block[148:156])
    if not name or size is None or check != sum(block) - sum(block[148:156]) + 8 * 0x20:
        return None
    return block[156:157], name, size


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _octal(digits: bytes) -> int | None:
    text = digits.partition(b"\x00")[0].strip()
    return int(text, 8) if text.isdigit() and b"8" not in text and b"9" not in text else None


def _check_end(file: IO[bytes], *, marked: bool) -> None:
    """Raise when something else than zeros follows the last member, or nothing at all.

    ``tarfile`` takes a damaged header in the middle, and the end of a file that was cut off
    between two members, for the end of the archive. Reading on also lets a decompressor check
    its sum.
    """
    block = file.read(2**20)
    if marked and not block:
        raise NoEndMarkError
    while block:
        if block.strip(b"\x00"):
            raise tarfile.ReadError("no valid header after it")
        block = file.read(2**20)
