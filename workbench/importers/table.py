"""CSV, Parquet and JSON lines: a row is an item, or one of several captions of an item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.importers.counting import count
from workbench.importers.csv_rows import CsvRows
from workbench.importers.importer import Option, Skipped, VectorBlock
from workbench.importers.jsonl_rows import JsonlRows
from workbench.importers.location import local_source, readable
from workbench.importers.parquet_rows import ParquetRows
from workbench.importers.previewing import COUNT_SECONDS, preview_of
from workbench.importers.roles import Roles
from workbench.importers.rows import BadRow, TableRows
from workbench.importers.shards import natural
from workbench.importers.table_columns import TABLE_OPTIONS, TableColumns, choose
from workbench.types import Preview, Record

__all__ = ["Table"]

_READERS = {
    ".csv": CsvRows,
    ".tsv": CsvRows,
    ".jsonl": JsonlRows,
    ".ndjson": JsonlRows,
    ".parquet": ParquetRows,
    ".pq": ParquetRows,
}
_METADATA = tuple(f"metadata{ending}" for ending in _READERS)
_BELOW = ("data", "train", "validation", "val", "test")


@dataclass(frozen=True)
class Table:
    """A table with a column of image paths or image bytes; its other columns are kept.

    Relative paths begin at the table's folder. Absolute paths and ``..`` are followed, because
    the table is the person's own and only what decodes as an image is ever shown; addresses
    (``http://...``) never are. Rows that follow each other and name the same item become one
    item with all their captions. Keys are the ids, the paths as written, or ``table/row`` with
    rows counted from 0.
    """

    key: str = "table"
    title: str = "Table"
    formats: str = (
        "a .csv, .tsv, .jsonl or .parquet file with a column of image paths or bytes; a folder of "
        ".parquet files; a folder of images with metadata.csv or metadata.jsonl"
    )
    options: tuple[Option, ...] = TABLE_OPTIONS
    brings_vectors: bool = False

    def detect(self, path: Path) -> bool:
        """True for the endings above, and for folders with such files."""
        return bool(_files(path))

    def preview(self, path: Path, limit: int = 20, **options: Any) -> Preview:
        """The first rows, and which columns were taken for what."""
        tables = _tables(path)
        notes = [_explain(choose(tables[0], options))]
        for name in tables[0].left_out:
            notes.append(f"Column {name} is left out: lists of numbers.")
        return preview_of(
            self,
            _records(path, options, typed=False),
            limit=limit,
            total=self.total(path, seconds=COUNT_SECONDS),
            notes=notes,
        )

    def records(self, path: Path, **options: Any) -> Iterator[Record | Skipped]:
        """Rows in order, file after file."""
        return _records(path, options, typed=True)

    def total(self, path: Path, *, seconds: float | None = None) -> int | None:
        """Number of items; of Parquet files with bytes, number of rows."""
        sizes = [table.size() if table.binary else None for table in _tables(path)]
        known = [size for size in sizes if size is not None]
        if len(known) == len(sizes):
            return sum(known)
        return count(_records(path, {}, typed=False), seconds)

    def vectors(self, path: Path, **options: Any) -> Iterator[VectorBlock]:
        """None."""
        return iter(())

    def info(self, path: Path, **options: Any) -> Mapping[str, Any]:
        """``class_names`` where a Parquet file names the integers of its label column."""
        table = _tables(path)[0]
        label = choose(table, options).label
        names = table.class_names.get(label or "")
        return {"class_names": names} if names else {}


def _records(path: Path, options: Mapping[str, Any], *, typed: bool) -> Iterator[Record | Skipped]:
    for table in _tables(path):
        yield from _Reading(table, choose(table, options), options).records(typed=typed)


@dataclass(frozen=True)
class _Reading:
    table: TableRows
    columns: TableColumns
    options: Mapping[str, Any]

    def records(self, *, typed: bool) -> Iterator[Record | Skipped]:
        """Rows, neighbours of one name merged into the first of them."""
        current: Record | None = None
        for number, row in enumerate(self.table.rows(typed=typed)):
            entry = self._entry(number, row)
            if isinstance(entry, Record) and current is not None and entry.key == current.key:
                merged = dict.fromkeys((*current.captions, *entry.captions))
                current = replace(current, captions=tuple(merged))
                continue
            if current is not None:
                yield current
            current = entry if isinstance(entry, Record) else None
            if isinstance(entry, Skipped):
                yield entry
        if current is not None:
            yield current

    def _entry(self, number: int, row: Mapping[str, Any] | BadRow) -> Record | Skipped:
        place = f"{readable(self.table.path.stem)}/{number}"
        if isinstance(row, BadRow):
            return Skipped(place, row.reason)
        path, data = _image(row.get(self.columns.image))
        key = self._key(row, path, place)
        if data is None and path is None:
            return Skipped(key, "no image in this row")
        try:
            source = None if path is None else local_source(self._root, path)
        except ValueError as error:
            return Skipped(key, str(error))
        fields = self._roles.split(row)
        return Record(key, source, data, fields.captions, fields.label, fields.meta)

    def _key(self, row: Mapping[str, Any], path: str | None, place: str) -> str:
        chosen = row.get(self.columns.id) if self.columns.id else path
        return place if chosen is None or chosen == "" else readable(str(chosen))

    @cached_property
    def _root(self) -> Path:
        root = self.options.get("image_root")
        return Path(root).expanduser() if root else self.table.path.parent

    @cached_property
    def _roles(self) -> Roles:
        columns = self.columns
        names = self.table.class_names.get(columns.label or "", [])
        left_out = (columns.image,) if columns.holds_bytes else ()
        return Roles(columns.captions, columns.label or "", names, left_out)


def _image(value: object) -> tuple[str | None, bytes | None]:
    """(path, None) or (None, bytes) of an image cell; (None, None) when it is empty."""
    if isinstance(value, dict):
        data = value.get("bytes")
        return _image(data if data else value.get("path"))
    if isinstance(value, bytes):
        return None, value or None
    return (str(value).strip() or None, None) if value is not None else (None, None)


def _tables(path: Path) -> list[TableRows]:
    files = _files(path)
    if not files:
        raise InputError(f"{path}", expected="a .csv, .tsv, .jsonl or .parquet file")
    return [_READERS[file.suffix.lower()](file) for file in files]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() in _READERS else []
    folders = [path, *(path / name for name in _BELOW)]
    inside = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
    described = [file for file in inside if file.name.lower() in _METADATA]
    parquet = [file for file in inside if _READERS.get(file.suffix.lower()) is ParquetRows]
    chosen = [file for file in described or parquet if not file.name.startswith(".")]
    return sorted(chosen, key=lambda file: natural(str(file)))


def _explain(columns: TableColumns) -> str:
    captions = f"captions from {', '.join(columns.captions)}" if columns.captions else "no captions"
    label = f"labels from {columns.label}" if columns.label else "no labels"
    named = f"named by {columns.id}" if columns.id else "named by path or row number"
    return f"Images from column {columns.image}, {captions}, {label}, items {named}."
