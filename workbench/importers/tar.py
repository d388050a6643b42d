"""Samples of one tar shard: where their parts lie. Nothing is ever extracted to the disk.

The convention is WebDataset's: files that follow each other with one name up to the first dot
of their last component belong to one sample; what comes after that dot says what the part is.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from workbench.importers.image import LIMITS, Limits
from workbench.importers.importer import Skipped
from workbench.importers.location import readable

__all__ = ["IMAGE_ENDINGS", "Part", "Sample", "samples"]

IMAGE_ENDINGS = (
    *("jpg", "jpeg", "jpe", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jp2"),
    *("ppm", "pgm", "pbm"),
)
TEXT_ENDINGS = ("json", "txt", "cls", "caption", "text")
_TEXT_LIMIT = 16 * 2**20
_OPEN: dict[str, Callable[..., Any]] = {
    "": open,
    "gz": gzip.open,
    "bz2": bz2.open,
    "xz": lzma.open,
}
_COMPRESSED = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"))


@dataclass(frozen=True)
class Part:
    """One file of a sample.

    Args:
        offset, length: its span in the tar; of use only in an uncompressed one.
        data: its bytes, where they were read: text parts, and images of compressed tars.
    """

    offset: int
    length: int
    data: bytes | None


@dataclass
class Sample:
    """The parts of one sample by their ending (``jpg``, ``cls``, ``json``), in the tar's order."""

    key: str
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def image(self) -> Part | None:
        """The first part whose ending is an image's."""
        return next((p for end, p in self.parts.items() if _last(end) in IMAGE_ENDINGS), None)


class _NoEndMarkError(Exception):
    """The tar ends after a whole member, without the two empty blocks that end a tar."""


def samples(path: Path, *, limits: Limits = LIMITS) -> Iterator[Sample | Skipped]:
    """Read a shard from its beginning, one sample at a time.

    Members that are no plain files (links, devices), or whose name is absolute or contains
    ``..``, are yielded as ``Skipped`` under their name; so is the rest of a shard that is cut
    off or damaged, under no name, after the samples before that place. Hidden members are passed
    over.

    Args:
        path: a tar, plain or compressed with gzip, bzip2 or xz (told by its first bytes).
        limits: a larger image in a compressed tar is not read into memory.
    """
    current: Sample | None = None
    try:
        for found in _members(path, limits):
            if isinstance(found, Skipped):
                yield found
                continue
            key, ending, part = found
            if current is None or current.key != key:
                if current is not None:
                    yield current
                current = Sample(key)
            current.parts.setdefault(ending, part)
    except _NoEndMarkError:
        if current is not None:
            yield current
        yield Skipped("", "the shard has no end mark: it may be cut off here")
        return
    except (tarfile.TarError, OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        place = f"from sample {current.key} on" if current else "at its beginning"
        yield Skipped("", f"the shard is damaged {place} ({str(error) or type(error).__name__})")
        return
    if current is not None:
        yield current


def compression(path: Path) -> str:
    """``gz``, ``bz2`` or ``xz`` by the file's first bytes; empty for an uncompressed tar.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(6)
    return next((name for magic, name in _COMPRESSED if head.startswith(magic)), "")


def _members(path: Path, limits: Limits) -> Iterator[Skipped | tuple[str, str, Part]]:
    packed = compression(path)
    with ExitStack() as stack:
        file = stack.enter_context(_OPEN[packed](path, "rb"))
        tar = stack.enter_context(tarfile.open(fileobj=file, mode="r|" if packed else "r:"))
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # tarfile keeps every header otherwise
            if member.isdir() or PurePosixPath(member.name).name.startswith("."):
                continue
            refusal = _refusal(member)
            if refusal:
                yield Skipped(readable(member.name), refusal)
            else:
                yield _member(tar, member, packed != "", limits)
        if not packed:
            file.seek(tar.offset)
        _check_end(file, marked=not packed)


def _member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, packed: bool, limits: Limits
) -> tuple[str, str, Part]:
    key, ending = _split(member.name)
    last = _last(ending)
    wanted = last in TEXT_ENDINGS and member.size <= _TEXT_LIMIT
    wanted = wanted or (packed and last in IMAGE_ENDINGS and member.size <= limits.max_bytes)
    data = None
    if wanted and (stream := tar.extractfile(member)) is not None:
        data = stream.read()
    return key, ending, Part(member.offset_data, member.size, data)


def _split(name: str) -> tuple[str, str]:
    path = PurePosixPath(readable(name))
    stem, _, ending = path.name.partition(".")
    return path.with_name(stem).as_posix(), ending.lower()


def _last(ending: str) -> str:
    return ending.rpartition(".")[2]


def _refusal(member: tarfile.TarInfo) -> str:
    if not PurePosixPath(member.name).name:
        return "it has no name"
    if member.name.startswith("/") or ".." in PurePosixPath(member.name).parts:
        return "its name leads outside the archive"
    if member.issym() or member.islnk():
        return "a link, not a file"
    if not member.isreg() or member.issparse():
        return "not a plain file"
    return ""


def _check_end(file: IO[bytes], *, marked: bool) -> None:
    """Raise when something else than zeros follows the last member, or nothing at all.

    ``tarfile`` takes a damaged header in the middle, and the end of a file that was cut off
    between two members, for the end of the archive. Reading on also lets a decompressor check
    its sum.
    """
    block = file.read(2**20)
    if marked and not block:
        raise _NoEndMarkError
    while block:
        if block.strip(b"\x00"):
            raise tarfile.ReadError("no valid header after it")
        block = file.read(2**20)
