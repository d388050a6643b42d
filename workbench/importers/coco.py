"""COCO captions: one JSON file with images and annotations, and a folder of images."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.importers.importer import Option, Skipped, VectorBlock
from workbench.importers.location import local_source, readable
from workbench.importers.previewing import preview_of
from workbench.importers.roles import Roles, clean_captions, meta_value
from workbench.types import Preview, Record

__all__ = ["CocoCaptions"]

_HEAD = 65536
_LEFT_OUT = ("file_name", "width", "height", "id")


@dataclass(frozen=True)
class CocoCaptions:
    """``images`` (id, file_name, ...) and ``annotations`` (image_id, caption) of COCO's form.

    Keys are the file names; the image's id is kept in the column ``coco_id``, its other fields
    under their names. An image without captions is an item too.
    """

    key: str = "coco"
    title: str = "COCO captions"
    formats: str = "a .json file with images and annotations, or a folder with one captions_*.json"
    options: tuple[Option, ...] = (
        Option(
            "image_root",
            "folder",
            "Folder of the images",
            "Without it: looked for beside the JSON file and beside its folder.",
        ),
    )
    brings_vectors: bool = False

    def detect(self, path: Path) -> bool:
        """True when the JSON file begins like COCO's; reads its first 64 KiB."""
        file = _json_file(path)
        if file is None:
            return False
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
        keys = (b'"images"', b'"annotations"', b'"licenses"', b'"info"')
        return head.lstrip().startswith(b"{") and any(key in head for key in keys)

    def preview(self, path: Path, limit: int = 20, **options: Any) -> Preview:
        """The first images; reads the whole JSON file."""
        source = _Coco.load(path, options)
        captions = sum(len(texts) for texts in source.captions.values())
        total = len(source.images)
        notes = [f"{total:,} images, {captions:,} captions, images in {source.root}."]
        return preview_of(self, source.records(), limit=limit, total=total, notes=notes)

    def records(self, path: Path, **options: Any) -> Iterator[Record | Skipped]:
        """Images in the order of the file, then captions of images that it does not list."""
        yield from _Coco.load(path, options).records()

    def total(self, path: Path, *, seconds: float | None = None) -> int | None:
        """Number of images in the file."""
        return len(_Coco.load(path, {}, find_root=False).images)

    def vectors(self, path: Path, **options: Any) -> Iterator[VectorBlock]:
        """None."""
        return iter(())

    def info(self, path: Path, **options: Any) -> Mapping[str, Any]:
        """The file's own ``info`` and ``licenses``."""
        return _Coco.load(path, {}, find_root=False).facts


@dataclass(frozen=True)
class _Coco:
    images: list[Any]
    captions: Mapping[str, list[str]]
    root: Path
    facts: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path, options: Mapping[str, Any], *, find_root: bool = True) -> _Coco:
        """Read and check the file; with ``find_root`` also find the images."""
        file = _json_file(path)
        if file is None:
            raise InputError(
                f"{path}", expected="one COCO captions file", got="none, or more than one"
            )
        content = _read(file)
        images, annotations = content.get("images"), content.get("annotations")
        if not isinstance(images, list) or not isinstance(annotations, list):
            got = "the fields " + ", ".join(content)
            raise InputError(f"{file}", expected="the lists images and annotations", got=got)
        captions = _captions(annotations)
        if annotations and not captions:
            raise InputError(f"{file}", expected="annotations with captions", got="none of them")
        facts: dict[str, Any] = {
            key: content[key] for key in ("info", "licenses") if key in content
        }
        root = _root(file, images, options.get("image_root")) if find_root else file.parent
        return cls(images, captions, root, facts)

    def records(self) -> Iterator[Record | Skipped]:
        """Images in the file's order, then captions of images that it does not list."""
        for number, image in enumerate(self.images):
            yield self._record(number, image)
        known = {str(image.get("id")) for image in self.images if isinstance(image, dict)}
        for image_id, texts in self.captions.items():
            if image_id not in known:
                reason = f"{len(texts)} captions of an image that the file does not list"
                yield Skipped(f"image_id {image_id}", reason)

    def _record(self, number: int, image: Any) -> Record | Skipped:
        name = image.get("file_name") if isinstance(image, dict) else None
        if not isinstance(name, str) or not name:
            return Skipped(f"image {number}", "it has no file_name")
        try:
            source = local_source(self.root, name)
        except ValueError as error:
            return Skipped(readable(name), str(error))
        fields = Roles((), "", left_out=_LEFT_OUT).split(image)
        captions = clean_captions(self.captions.get(str(image.get("id")), ()))
        meta = {"coco_id": meta_value(image.get("id")), **fields.meta}
        return Record(readable(name), source, captions=captions, meta=meta)


def _captions(annotations: list[Any]) -> Mapping[str, list[str]]:
    captions: dict[str, list[str]] = defaultdict(list)
    for note in annotations:
        text = note.get("caption") if isinstance(note, dict) else None
        if isinstance(text, str) and isinstance(note.get("image_id"), int | str):
            captions[str(note["image_id"])].append(text)
    return dict(captions)


def _json_file(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix.lower() == ".json" else None
    found = [
        file for folder in (path, path / "annotations") for file in folder.glob("captions_*.json")
    ]
    return found[0] if len(found) == 1 else None


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"{file}", expected="a JSON file", got=str(error)) from error
    if not isinstance(content, dict):
        raise InputError(f"{file}", expected="a JSON object", got=f"a {type(content).__name__}")
    return content


def _root(file: Path, images: list[Any], chosen: str | None) -> Path:
    """The folder in which the first listed image lies."""
    if chosen:
        return Path(chosen).expanduser()
    names = [image.get("file_name") for image in images[:20] if isinstance(image, dict)]
    split = re.sub(r"^(captions|annotations)_", "", file.stem)
    beside = (file.parent, file.parent.parent)
    folders = [b / below for b in beside for below in (split, f"images/{split}", "images", ".")]
    for folder in folders:
        if not names or any(isinstance(n, str) and (folder / n).is_file() for n in names):
            return folder
    raise InputError(
        f"the images of {file}",
        expected=f"{names[0]} in one of {', '.join(map(str, folders))}",
        got="none of these files",
        do="Name their folder with the option image_root.",
    )
