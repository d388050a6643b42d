"""Samples of one tar shard: where their parts lie. Nothing is ever extracted to the disk.

The convention is WebDataset's: files that follow each other with one name up to the first dot
of their last component belong to one sample; what comes after that dot says what the part is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workbench.importers.image import LIMITS, Limits
from workbench.importers.importer import Skipped
from workbench.importers.location import readable
from workbench.importers.tar_members import DAMAGE, NoEndMarkError, compression, members

__all__ = ["IMAGE_ENDINGS", "Part", "Sample", "samples"]

IMAGE_ENDINGS = (
    *("jpg", "jpeg", "jpe", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jp2"),
    *("ppm", "pgm", "pbm"),
)
TEXT_ENDINGS = ("json", "txt", "cls", "caption", "text")
_TEXT_LIMIT = 16 * 2**20


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


def samples(
    path: Path, *, limits: Limits = LIMITS, content: bool = True
) -> Iterator[Sample | Skipped]:
    """Read a shard from its beginning, one sample at a time.

    Members that are no plain files (links, devices), or whose name is absolute or contains
    ``..``, are yielded as ``Skipped`` under their name; so is the rest of a shard that is cut
    off or damaged, under no name, after the samples before that place. Hidden members are passed
    over.

    Args:
        path: a tar, plain or compressed with gzip, bzip2 or xz (told by its first bytes).
        limits: a larger image in a compressed tar is not read into memory.
        content: False reads no part's bytes, for counting.
    """
    current: Sample | None = None
    try:
        packed = compression(path) != ""
        for member in members(path):
            folders, base = _parts(member.name)
            if base.startswith("."):
                continue
            refusal = _refusal(member.name, folders, base) or member.kind
            if refusal:
                yield Skipped(readable(member.name), refusal)
                continue
            key, ending = _split(folders, base)
            if current is None or current.key != key:
                if current is not None:
                    yield current
                current = Sample(key)
            wanted = content and _wanted(_last(ending), member.size, packed, limits)
            data = member.content() if wanted else None
            current.parts.setdefault(ending, Part(member.offset, member.size, data))
    except NoEndMarkError:
        if current is not None:
            yield current
        yield Skipped("", "the shard has no end mark: it may be cut off here")
        return
    except DAMAGE as error:
        place = f"from sample {current.key} on" if current else "at its beginning"
        yield Skipped("", f"the shard is damaged {place} ({str(error) or type(error).__name__})")
        return
    if current is not None:
        yield current


def _wanted(last: str, size: int, packed: bool, limits: Limits) -> bool:
    """Text parts are read at once, and the images of a compressed tar, which has no spans."""
    if last in TEXT_ENDINGS:
        return size <= _TEXT_LIMIT
    return packed and last in IMAGE_ENDINGS and size <= limits.max_bytes


def _parts(name: str) -> tuple[list[str], str]:
    """Folders and last component of a name, without empty ones and ``.``."""
    *folders, base = name.split("/")
    return [part for part in folders if part not in ("", ".")], base


def _split(folders: list[str], base: str) -> tuple[str, str]:
    """(key of the sample, ending of the part) of a member."""
    stem, _, ending = base.partition(".")
    return readable("/".join((*folders, stem))), readable(ending.lower())


def _last(ending: str) -> str:
    return ending.rpartition(".")[2]


def _refusal(name: str, folders: list[str], base: str) -> str:
    if not base:
        return "it has no name"
    return "its name leads outside the archive" if name.startswith("/") or ".." in folders else ""
