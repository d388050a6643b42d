"""A folder of images: class per folder, or flat."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.importers.counting import count
from workbench.importers.importer import Option, Skipped, VectorBlock
from workbench.importers.location import readable, uri_of
from workbench.importers.previewing import COUNT_SECONDS, preview_of
from workbench.importers.tar import IMAGE_ENDINGS
from workbench.types import Preview, Record, Source

__all__ = ["ImageFolder"]

_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing", "dev"}
_LOOK = 2000


@dataclass(frozen=True)
class ImageFolder:
    """Every file below a folder; the first folder under it is the label.

    Folders below the label's are kept in the column ``folder``. Files that lie in the given
    folder itself have no label. Hidden files and folders (``.name``, ``__MACOSX``) are passed
    over; a link that leads out of the folder, or to a folder, is skipped. Keys are the paths
    below the folder.
    """

    key: str = "folder"
    title: str = "Image folder"
    formats: str = "a folder with images in it, or in folders named after their classes"
    options: tuple[Option, ...] = ()
    brings_vectors: bool = False

    def detect(self, path: Path) -> bool:
        """True when one of the first 2,000 files has the ending of an image."""
        files = islice(_walk(path), _LOOK) if path.is_dir() else iter(())
        return any(isinstance(file, Path) and _is_image(file) for file in files)

    def preview(self, path: Path, limit: int = 20, **options: Any) -> Preview:
        """The first files; says so when there are no labels, or the labels look like splits."""
        found = preview_of(
            self,
            self.records(path, **options),
            limit=limit,
            total=self.total(path, seconds=COUNT_SECONDS),
        )
        labels = sorted({record.label for record in found.records if record.label is not None})
        if not labels:
            note = "No folders under it: the images have no label."
        elif all(label.lower() in _SPLITS for label in labels):
            note = f"Labels would be {labels[0]!r}: import {path / labels[0]} to get classes."
        else:
            return found
        return replace(found, notes=(note, *found.notes))

    def records(self, path: Path, **options: Any) -> Iterator[Record | Skipped]:
        """Files in the order of their names, folder by folder."""
        if not path.is_dir():
            raise InputError(f"{path}", expected="a folder", got="something else, or nothing")
        for file in _walk(path):
            yield file if isinstance(file, Skipped) else _record(path, file)

    def total(self, path: Path, *, seconds: float | None = None) -> int | None:
        """Number of files that are not hidden, images or not."""
        return count(_walk(path), seconds)

    def vectors(self, path: Path, **options: Any) -> Iterator[VectorBlock]:
        """None."""
        return iter(())

    def info(self, path: Path, **options: Any) -> Mapping[str, Any]:
        """Nothing beyond the items."""
        return {}


def _record(root: Path, file: Path) -> Record:
    key = _key(file, root)
    folders = key.split("/")[:-1]
    meta = {"folder": "/".join(folders[1:])} if len(folders) > 1 else {}
    label = folders[0] if folders else None
    return Record(key, Source(uri_of(file)), label=label, meta=meta)


def _is_image(file: Path) -> bool:
    return file.suffix.lower().lstrip(".") in IMAGE_ENDINGS


def _walk(root: Path) -> Iterator[Path | Skipped]:
    """Files below the root, sorted by the bytes of their names; what is refused as Skipped."""
    real = root.resolve()
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            yield Skipped(_key(folder, root), f"a folder that cannot be read ({error.strerror})")
            continue
        below = []
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(path)
                continue
            refusal = _refused_link(path, real) if entry.is_symlink() else ""
            yield Skipped(_key(path, root), refusal) if refusal else path
        folders.extend(reversed(below))


def _key(path: Path, root: Path) -> str:
    return readable(path.relative_to(root).as_posix())


def _refused_link(path: Path, root: Path) -> str:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "a link to nothing"
    if not target.is_relative_to(root):
        return "a link that leads out of the folder"
    return "a link to a folder" if target.is_dir() else ""
