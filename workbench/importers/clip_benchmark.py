"""CLIP_benchmark datasets: WebDataset shards with class names and templates beside or above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.importers.counting import count
from workbench.importers.importer import Option, Skipped, VectorBlock
from workbench.importers.location import readable
from workbench.importers.previewing import COUNT_SECONDS, preview_of
from workbench.importers.roles import Roles
from workbench.importers.shards import Shard, find_shards, has_shards
from workbench.importers.tar import samples
from workbench.importers.webdataset import FIELD_OPTIONS, ShardReading, shards_or_error
from workbench.types import Preview, Record

__all__ = ["ClipBenchmark"]

_NAMES = "classnames.txt"
_TEMPLATES = "zeroshot_classification_templates.txt"
_TASK = "dataset_type.txt"


@dataclass(frozen=True)
class ClipBenchmark:
    """Shards whose integer ``.cls`` counts the lines of ``classnames.txt``.

    The path may be the dataset's folder, one of its splits, one shard or a pattern of shards.
    The folder of the names is the shards' own or the one above. The column ``split`` keeps the
    folder of the shard below the names, where there is one. When ``dataset_type.txt`` says
    ``retrieval``, every line of a ``txt`` part is a caption.
    """

    key: str = "clip-benchmark"
    title: str = "CLIP_benchmark dataset"
    formats: str = f"tar shards with {_NAMES}, {_TEMPLATES} or {_TASK} beside or above them"
    options: tuple[Option, ...] = FIELD_OPTIONS
    brings_vectors: bool = False

    def detect(self, path: Path) -> bool:
        """True when there are shards, and one of the three text files beside or above them."""
        if not has_shards(path):
            return False
        shards = find_shards(path)
        return bool(shards) and _home(shards[0]) is not None

    def preview(self, path: Path, limit: int = 20, **options: Any) -> Preview:
        """The first samples, with the numbers of class names and templates."""
        info = self.info(path)
        numbers = f"{len(info['class_names'])} class names, {len(info['templates'])} templates"
        notes = [f"{info['shards']} tar shards, {numbers}."]
        return preview_of(
            self,
            self.records(path, **options),
            limit=limit,
            total=self.total(path, seconds=COUNT_SECONDS),
            notes=notes,
        )

    def records(self, path: Path, **options: Any) -> Iterator[Record | Skipped]:
        """Samples in the order of the shards and, within a shard, of the tar."""
        shards = shards_or_error(path)
        home = _home(shards[0]) or shards[0].path.absolute().parent
        roles = Roles(
            options.get("caption_columns"), options.get("label_column"), _lines(home / _NAMES)
        )
        retrieval = "retrieval" in _lines(home / _TASK)
        for shard in shards:
            yield from ShardReading(roles, retrieval, _split(shard, home)).records(shard)

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
        """``class_names`` and ``templates`` (``{c}`` stands for the name), in their order."""
        shards = shards_or_error(path)
        home = _home(shards[0]) or shards[0].path.absolute().parent
        return {
            "shards": len(shards),
            "class_names": _lines(home / _NAMES),
            "templates": _lines(home / _TEMPLATES),
        }


def _home(shard: Shard) -> Path | None:
    folder = shard.path.absolute().parent
    for home in (folder, folder.parent):
        if any((home / name).is_file() for name in (_NAMES, _TEMPLATES, _TASK)):
            return home
    return None


def _split(shard: Shard, home: Path) -> dict[str, str]:
    folder = shard.path.absolute().parent
    inside = folder != home and folder.is_relative_to(home)
    return {"split": readable(folder.relative_to(home).as_posix())} if inside else {}


def _lines(file: Path) -> list[str]:
    """Lines of a text file, stripped, without the empty ones at the end; none if it is absent."""
    if not file.is_file():
        return []
    return [line.strip() for line in file.read_text("utf-8-sig", "replace").rstrip().splitlines()]
