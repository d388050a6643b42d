"""WebDataset: tar shards of samples, each an image with its text, class and JSON parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.importers.counting import count
from workbench.importers.image import LIMITS
from workbench.importers.importer import Option, Skipped, VectorBlock
from workbench.importers.location import uri_of
from workbench.importers.previewing import COUNT_SECONDS, preview_of
from workbench.importers.roles import Roles
from workbench.importers.shards import Shard, find_shards, has_shards
from workbench.importers.tar import Part, Sample, samples
from workbench.importers.tar_members import compression
from workbench.types import Preview, Record, Source

__all__ = ["FIELD_OPTIONS", "ShardReading", "WebDataset", "shards_or_error"]

FIELD_OPTIONS = (
    Option(
        "caption_columns",
        "columns",
        "Caption fields",
        "Without it: fields named caption, captions, text, sentence and the like.",
    ),
    Option(
        "label_column",
        "column",
        "Label field",
        "Without it: the first field named label, class, class_name or category.",
    ),
)
_TEXTS = ("txt", "caption", "text")


@dataclass(frozen=True)
class WebDataset:
    """Tar shards; images of uncompressed tars are read in place and never copied.

    An image part makes a sample an item. ``txt`` is a caption, ``cls`` the label, ``json`` an
    object whose captions and label are found by name and whose other fields become columns.
    Keys are ``shard/sample``.
    """

    key: str = "webdataset"
    title: str = "WebDataset"
    formats: str = "tar shards (.tar, .tar.gz): one file, a folder, or a {000..012} pattern"
    options: tuple[Option, ...] = FIELD_OPTIONS
    brings_vectors: bool = False

    def detect(self, path: Path) -> bool:
        """True for a tar file, a folder with tars in it, and a brace pattern of tars."""
        return has_shards(path)

    def preview(self, path: Path, limit: int = 20, **options: Any) -> Preview:
        """The first samples; counts shards always, samples where that is quick."""
        shards = shards_or_error(path)
        notes = [f"{len(shards)} tar shard{'s' * (len(shards) != 1)}."]
        if any(compression(shard.path) for shard in shards):
            notes.append("Images of compressed tars are copied into the workspace.")
        return preview_of(
            self,
            self.records(path, **options),
            limit=limit,
            total=self.total(path, seconds=COUNT_SECONDS),
            notes=notes,
        )

    def records(self, path: Path, **options: Any) -> Iterator[Record | Skipped]:
        """Samples in the order of the shards and, within a shard, of the tar."""
        reading = ShardReading(Roles(options.get("caption_columns"), options.get("label_column")))
        for shard in shards_or_error(path):
            yield from reading.records(shard)

    def total(self, path: Path, *, seconds: float | None = None) -> int | None:
        """Number of samples; reads every header of every shard."""
        shards = shards_or_error(path)
        return count(
            (entry for shard in shards for entry in samples(shard.path, content=False)), seconds
        )

    def vectors(self, path: Path, **options: Any) -> Iterator[VectorBlock]:
        """None."""
        return iter(())

    def info(self, path: Path, **options: Any) -> Mapping[str, Any]:
        """Number of shards."""
        return {"shards": len(shards_or_error(path))}


def shards_or_error(path: Path) -> tuple[Shard, ...]:
    """The shards of a path.

    Raises:
        InputError: there is none.
    """
    shards = find_shards(path)
    if not shards:
        raise InputError(f"{path}", expected="a .tar file, a folder with some, or a pattern")
    return shards


@dataclass(frozen=True)
class ShardReading:
    """How the samples of a shard become records.

    Args:
        roles: how to read the fields of JSON parts, and what an integer class stands for.
        caption_lines: every line of a ``txt`` part is a caption of its own.
        meta: columns that all samples of the shard share.
    """

    roles: Roles
    caption_lines: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)

    def records(self, shard: Shard) -> Iterator[Record | Skipped]:
        """The samples of one shard, in its order."""
        uri = "" if compression(shard.path) else uri_of(shard.path)
        for sample in samples(shard.path):
            key = f"{shard.name}/{sample.key}".rstrip("/")
            if isinstance(sample, Skipped):
                yield Skipped(key, sample.reason)
                continue
            try:
                yield self._record(key, uri, sample)
            except ValueError as error:
                yield Skipped(key, str(error))

    def _record(self, key: str, uri: str, sample: Sample) -> Record:
        image = _image(sample, packed=not uri)
        fields = self.roles.split(_json(sample.parts.get("json")), first=self._captions(sample))
        label = fields.label
        if label is None:
            label = _class(sample.parts.get("cls"), self.roles)
        source = Source(uri, image.offset, image.length) if uri else None
        meta = {**self.meta, **fields.meta}
        return Record(key, source, None if uri else image.data, fields.captions, label, meta)

    def _captions(self, sample: Sample) -> Sequence[str]:
        texts = [text for name in _TEXTS for text in _text(sample.parts.get(name))]
        return (
            [line for text in texts for line in text.splitlines()] if self.caption_lines else texts
        )


def _image(sample: Sample, *, packed: bool) -> Part:
    image = sample.image
    if image is None:
        raise ValueError(f"no image in this sample (its parts: {', '.join(sample.parts)})")
    if packed and image.data is None:
        raise ValueError(f"{image.length:,} bytes, more than the limit of {LIMITS.max_bytes:,}")
    return image


def _text(part: Part | None) -> Sequence[str]:
    if part is None or part.data is None:
        return ()
    return (part.data.decode("utf-8-sig", "replace"),)


def _json(part: Part | None) -> Mapping[str, Any]:
    if part is None or part.data is None:
        return {}
    try:
        value = json.loads(part.data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its json part is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"its json part is a {type(value).__name__}, not an object")
    return value


def _class(part: Part | None, roles: Roles) -> str | None:
    text = "".join(_text(part)).strip()
    if not text:
        return None
    if not roles.class_names or not text.isascii() or not text.isdigit():
        return text
    if int(text) >= len(roles.class_names):
        raise ValueError(f"class {text}, but there are {len(roles.class_names)} class names")
    return roles.class_names[int(text)]
