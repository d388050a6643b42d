"""The report of one dataset: what it holds, what it lacks, what looks wrong."""

from __future__ import annotations

from dataclasses import dataclass

from store.engine import Engine, Tabled
from workbench.types import Column, DatasetInfo

__all__ = ["DatasetReport", "make_report"]

_SHOWN = 50


@dataclass(frozen=True)
class DatasetReport:
    """Counts of one dataset, over all of its N items.

    Args:
        items, captions, skipped: N, M, and the entries refused at import.
        images: items that have an image.
        bytes: bytes of the images, in all.
        formats: (format, items), most frequent first.
        sizes: (width, height, items) of the 50 most frequent sizes in pixels.
        smallest, largest: (width, height) by number of pixels; None without images.
        labels: (label, items) of the 50 most frequent labels.
        label_count: number of distinct labels.
        unlabelled: items without a label.
        missing: column -> items without a value, for every column that can be filtered.
        duplicates: groups of items whose image bytes are equal: (digest, items), largest first,
            at most 50.
        duplicate_items: items beyond the first of each such group, in all.
        captions_per_item: (number of captions, items), by number.
        columns: the columns with kind and number of distinct values.
    """

    dataset: str
    items: int
    captions: int
    skipped: int
    images: int
    bytes: int
    formats: tuple[tuple[str, int], ...]
    sizes: tuple[tuple[int, int, int], ...]
    smallest: tuple[int, int] | None
    largest: tuple[int, int] | None
    labels: tuple[tuple[str, int], ...]
    label_count: int
    unlabelled: int
    missing: dict[str, int]
    duplicates: tuple[tuple[str, int], ...]
    duplicate_items: int
    captions_per_item: tuple[tuple[int, int], ...]
    columns: tuple[Column, ...]


def make_report(
    engine: Engine,
    tables: tuple[Tabled, Tabled],
    info: DatasetInfo,
    columns: tuple[Column, ...],
) -> DatasetReport:
    """Ask the tables (items, captions) everything that a report says; about ten queries."""
    tabled, captions = tables
    of = f"from {tabled.relation}"
    by = {column.name: column for column in columns}
    ((images, size),) = engine.rows(f"select count(uri), coalesce(sum(bytes), 0) {of}")
    sizes = engine.rows(
        f"select width, height, count(*) as n {of} where width is not null and height is not null "
        f"group by width, height order by n desc, width, height limit {_SHOWN}"
    )
    ends = engine.rows(
        "select arg_min((width, height), width::bigint * height), "
        f"arg_max((width, height), width::bigint * height) {of}"
    )[0]
    groups = (
        f"select digest, count(*) as n {of} where digest is not null "
        "group by digest having count(*) > 1"
    )
    ((repeated,),) = engine.rows(f"select coalesce(sum(n - 1), 0) from ({groups})")
    per_item = engine.rows(
        "select n, count(*) from (select count(c.row) as n "
        f"from {tabled.relation} i left join {captions.relation} c on c.item_row = i.row "
        "group by i.row) group by n order by n"
    )
    return DatasetReport(
        dataset=info.name,
        items=tabled.count,
        captions=captions.count,
        skipped=info.skipped,
        images=int(images),
        bytes=int(size),
        formats=_pairs(engine, tabled, "format"),
        sizes=tuple((int(w), int(h), int(n)) for w, h, n in sizes),
        smallest=_size(ends[0]),
        largest=_size(ends[1]),
        labels=_pairs(engine, tabled, "label"),
        label_count=by["label"].distinct,
        unlabelled=by["label"].missing,
        missing={column.name: column.missing for column in columns},
        duplicates=tuple(
            (str(digest), int(n))
            for digest, n in engine.rows(f"{groups} order by n desc, digest limit {_SHOWN}")
        ),
        duplicate_items=int(repeated),
        captions_per_item=tuple((int(n), int(items)) for n, items in per_item),
        columns=columns,
    )


def _pairs(engine: Engine, tabled: Tabled, column: str) -> tuple[tuple[str, int], ...]:
    found = engine.rows(
        f"select {column}, count(*) as n from {tabled.relation} where {column} is not null "
        f"group by {column} order by n desc, {column} limit {_SHOWN}"
    )
    return tuple((str(value), int(n)) for value, n in found)


def _size(value: object) -> tuple[int, int] | None:
    if not isinstance(value, (tuple, list, dict)):
        return None
    width, height = value.values() if isinstance(value, dict) else value
    return None if width is None or height is None else (int(width), int(height))
