"""Records -> Arrow tables of one part, with the same columns in every part of an import."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from store.columns import free_names
from workbench.importers.image import ImageInfo
from workbench.importers.roles import kind_of
from workbench.types import Record, Source

__all__ = ["Columns", "Item", "captions_table", "items_table"]


@dataclass(frozen=True)
class Item:
    """A record whose image was read, or that has none.

    Args:
        source: where the image lies; None for items without one, and while ``record.data`` is
            not yet stored.
        info, bytes, digest: of the image; digest is hexadecimal BLAKE2b-128.
    """

    record: Record
    source: Source | None = None
    info: ImageInfo | None = None
    bytes: int | None = None
    digest: str | None = None


@dataclass
class Columns:
    """Stored names and kinds of the metadata columns.

    Parts never change, so the kind of a column can only widen from one part to the next: whole
    numbers to numbers, anything to text; a list column stays one.

    Args:
        kinds: stored name -> kind, of what the dataset has already.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def learn(self, names: Iterable[str]) -> None:
        """Note the names of a record's metadata, also of one that is in the dataset already."""
        new = [name for name in names if name not in self._names]
        if new:
            known = [*self._names, *new]
            self._names = dict(zip(known, free_names(known), strict=True))

    def arrays(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, pa.Array]:
        """One array for each learnt column that has a value in these rows."""
        arrays = {}
        for name, stored in self._names.items():
            values = [row.get(name) for row in rows]
            if any(value is not None for value in values):
                kind = _wider(self.kinds.get(stored), kind_of(values))
                self.kinds[stored] = kind
                arrays[stored] = _array(values, kind)
        return arrays


def items_table(items: Sequence[Item], columns: Columns) -> pa.Table:
    """The items of a part as ``store.tables`` takes them: fixed columns and metadata."""
    arrays = {name: pa.array([get(item) for item in items], kind) for name, kind, get in _FIXED}
    arrays.update(columns.arrays([_meta(item) for item in items]))
    return pa.table(arrays)


def captions_table(items: Sequence[Item]) -> pa.Table:
    """All captions of a part: position of the item in the part, and text."""
    pairs = [(i, text) for i, item in enumerate(items) for text in item.record.captions]
    return pa.table(
        {
            "item_index": pa.array([i for i, _ in pairs], pa.int64()),
            "text": pa.array([text for _, text in pairs], pa.string()),
        }
    )


_FIXED: tuple[tuple[str, pa.DataType, Callable[[Item], Any]], ...] = (
    ("item", pa.string(), lambda item: item.record.key),
    ("uri", pa.string(), lambda item: item.source and item.source.uri),
    ("offset", pa.int64(), lambda item: item.source and item.source.offset),
    ("length", pa.int64(), lambda item: item.source and item.source.length),
    ("width", pa.int32(), lambda item: item.info and item.info.width),
    ("height", pa.int32(), lambda item: item.info and item.info.height),
    ("format", pa.string(), lambda item: item.info and item.info.format),
    ("bytes", pa.int64(), lambda item: item.bytes),
    ("digest", pa.string(), lambda item: item.digest),
    ("label", pa.string(), lambda item: item.record.label),
)


def _meta(item: Item) -> Mapping[str, Any]:
    """Metadata with the column ``frames``, where an image has more than one."""
    if item.info is None or item.info.frames < 2 or "frames" in item.record.meta:
        return item.record.meta
    return {**item.record.meta, "frames": item.info.frames}


def _wider(old: str | None, new: str) -> str:
    if old is None or old == new:
        return new
    if {old, new} == {"integer", "number"}:
        return "number"
    return "list" if old == "list" else "text"


def _array(values: Sequence[Any], kind: str) -> pa.Array:
    dtype, convert = _KINDS[kind]
    return pa.array([None if value is None else convert(value) for value in values], dtype)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(value: Any) -> list[str]:
    return value if isinstance(value, list) else [_text(value)]


_KINDS: dict[str, tuple[pa.DataType, Callable[[Any], Any]]] = {
    "text": (pa.string(), _text),
    "integer": (pa.int64(), int),
    "number": (pa.float64(), float),
    "boolean": (pa.bool_(), bool),
    "list": (pa.list_(pa.string()), _texts),
}
