"""The columns of the items and captions tables: their types, and reserved names.

items: row int64, item text, uri text, offset int64, length int64, width int32, height int32,
format text, bytes int64, digest text, label text, then metadata columns of type text, int64,
double, bool or list<text>. captions: row int64, item_row int64, text text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import InputError

__all__ = [
    "FIXED",
    "RESERVED",
    "agree_on_lists",
    "captions_table",
    "drop_items",
    "free_names",
    "items_table",
    "list_columns",
]

FIXED: tuple[tuple[str, pa.DataType], ...] = (
    ("item", pa.string()),
    ("uri", pa.string()),
    ("offset", pa.int64()),
    ("length", pa.int64()),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("format", pa.string()),
    ("bytes", pa.int64()),
    ("digest", pa.string()),
    ("label", pa.string()),
)
RESERVED = ("row", *(name for name, _ in FIXED))
"""Names that a metadata column may not have; it gets the suffix ``_``."""


def free_names(names: Sequence[str]) -> list[str]:
    """Metadata column names as they are stored: distinct ignoring case, none reserved.

    Args:
        names: as the source has them. A reserved or repeated one (``Label``, ``row``) gets ``_``
            until it is free; an empty one becomes ``unnamed``.
    """
    taken, free = {name.lower() for name in RESERVED}, []
    for name in names:
        chosen = _clean(name)
        while chosen.lower() in taken:
            chosen += "_"
        taken.add(chosen.lower())
        free.append(chosen)
    return free


def items_table(table: pa.Table) -> pa.Table:
    """The items of one part with exactly the fixed columns and clean metadata columns.

    Missing fixed columns become null; metadata columns of other types become the nearest of the
    five; NaN and empty lists become null; a column without any value is left out (a part that
    lacks a column reads as null).

    Raises:
        InputError: no ``item`` column, an item without id, or a value that cannot be kept.
    """
    if "item" not in table.column_names:
        raise InputError("items", expected="a column 'item'", got=f"{table.column_names}")
    fixed = dict(FIXED)
    columns: dict[str, Any] = {}
    extra: list[tuple[str, Any]] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in fixed and name not in columns:
            columns[name] = _cast(name, column, fixed[name])
        else:
            extra.append((name, column))
    if columns["item"].null_count:
        raise InputError("items", expected="an id for every item", got="an item without one")
    arrays = {name: columns.get(name, pa.nulls(table.num_rows, kind)) for name, kind in FIXED}
    for name, (_, column) in zip(free_names([n for n, _ in extra]), extra, strict=True):
        kept = _metadata(name, column)
        if kept.null_count < len(kept):
            arrays[name] = kept
    return pa.table(arrays)


def agree_on_lists(items: pa.Table, lists: Mapping[str, bool]) -> pa.Table:
    """The items with list columns where earlier parts have lists, and texts where they have none.

    A single value becomes a list of one; a list becomes its JSON text. Other differences of type
    are settled when the parts are read: whole numbers with fractions read as numbers, anything
    with texts as texts.

    Args:
        items: from ``items_table``.
        lists: lower-case name of a known metadata column -> whether it holds lists.
    """
    for position, name in enumerate(items.column_names):
        before = lists.get(name.lower())
        if before is None or before == _is_list(items.schema.field(name).type):
            continue
        values = items[name].to_pylist()
        if before:
            texts = items[name].cast(pa.string()).to_pylist()
            column = pa.array([None if t is None else [t] for t in texts], pa.list_(pa.string()))
        else:
            texts = [None if v is None else json.dumps(v, ensure_ascii=False) for v in values]
            column = pa.array(texts, pa.string())
        items = items.set_column(position, name, column)
    return items


def list_columns(items: pa.Table) -> dict[str, bool]:
    """Lower-case name of each metadata column -> whether it holds lists."""
    return {f.name.lower(): _is_list(f.type) for f in items.schema if f.name not in RESERVED}


def captions_table(table: pa.Table, items: int) -> pa.Table:
    """The captions of one part: ``item_index`` int64 inside the part, and ``text``.

    Captions without text are left out.

    Raises:
        InputError: a column is missing, or an index lies outside the part.
    """
    if table.num_rows == 0:
        return pa.table({"item_index": pa.array([], pa.int64()), "text": pa.array([], pa.string())})
    for name in ("item_index", "text"):
        if name not in table.column_names:
            raise InputError("captions", expected=f"a column {name!r}", got=f"{table.column_names}")
    index = _cast("item_index", table["item_index"], pa.int64())
    text = _cast("text", table["text"], pa.string())
    values = index.to_numpy()
    if index.null_count or values.min() < 0 or values.max() >= items:
        raise InputError("captions", expected=f"item_index from 0 to {items - 1}", got="others")
    full = pc.and_kleene(pc.is_valid(text), pc.not_equal(text, ""))
    return pa.table({"item_index": index, "text": text}).filter(
        pc.fill_null(full, fill_value=False)
    )


def drop_items(
    items: pa.Table, captions: pa.Table, known: Iterable[str]
) -> tuple[pa.Table, pa.Table]:
    """Both tables without the items whose id is known or occurred before in the part.

    The captions of dropped items go too; ``item_index`` is renumbered.
    """
    seen, keep = set(known), []
    for position, name in enumerate(items["item"].to_pylist()):
        if name not in seen:
            seen.add(name)
            keep.append(position)
    if len(keep) == items.num_rows:
        return items, captions
    renumbered = np.full(items.num_rows, -1, dtype=np.int64)
    renumbered[keep] = np.arange(len(keep))
    index = renumbered[captions["item_index"].to_numpy()]
    kept = captions.set_column(0, "item_index", pa.array(index)).filter(pa.array(index >= 0))
    return items.take(pa.array(keep, pa.int64())), kept


def _clean(name: str) -> str:
    """Printable, valid UTF-8, without null characters (SQL texts end there)."""
    text = name.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "")
    return text.strip() or "unnamed"


def _cast(name: str, column: Any, kind: pa.DataType) -> Any:
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(
            f"column {name!r}", expected=f"values of type {kind}", got=str(error)
        ) from error


def _metadata(name: str, column: Any) -> Any:
    """A metadata column in one of the five types."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _metadata(name, column.cast(kind.value_type))
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return column
    if pa.types.is_integer(kind):
        return _cast(name, column, _whole(column))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = _cast(name, column, pa.float64())
        return pc.if_else(pc.is_nan(numbers), None, numbers)
    return _lists(name, column) if _is_list(kind) else _cast(name, column, pa.string())


def _lists(name: str, column: Any) -> Any:
    """Lists of texts without missing elements; an empty list is a missing value."""
    lists = _cast(name, column, pa.list_(pa.string()))
    kept = [
        [text for text in value or () if text is not None] or None for value in lists.to_pylist()
    ]
    return pa.chunked_array([pa.array(kept, pa.list_(pa.string()))])


def _whole(column: Any) -> pa.DataType:
    """int64, or text for unsigned numbers that it cannot hold: such are hashes, not amounts."""
    largest = pc.max(column).as_py() or 0
    return pa.string() if largest >= 2**63 else pa.int64()


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
