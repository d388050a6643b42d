"""The first records of any importer, summed up for a person before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from workbench.importers.importer import Importer, Skipped
from workbench.importers.roles import kind_of
from workbench.types import Preview, Record

__all__ = ["COUNT_SECONDS", "columns_of", "preview_of"]

COUNT_SECONDS = 0.5
"""How long a preview may count."""


def preview_of(
    importer: Importer,
    entries: Iterable[Record | Skipped],
    *,
    limit: int,
    total: int | None,
    notes: Sequence[str] = (),
    vectors: bool = False,
) -> Preview:
    """Read the first entries and say what is in them.

    Args:
        importer: the format, as recognised.
        entries: what the import would read; no more than ``limit`` are taken.
        limit: most entries to read.
        total: number of entries, where it is known or quick to count.
        notes: sentences of the importer; what is skipped among the first rows is added to them.
        vectors: the source brings vectors along.
    """
    first = list(islice(entries, max(0, limit)))
    records = tuple(entry for entry in first if isinstance(entry, Record))
    skipped = [entry for entry in first if isinstance(entry, Skipped)]
    found = [f"{entry.key} will be skipped: {entry.reason}." for entry in skipped]
    return Preview(
        importer=importer.key,
        title=importer.title,
        records=records,
        columns=columns_of(records),
        total=total,
        images=any(r.source is not None or r.data is not None for r in records),
        captions=any(r.captions for r in records),
        vectors=vectors,
        notes=(*notes, *found),
    )


def columns_of(records: Sequence[Record]) -> dict[str, str]:
    """Metadata columns of the records with their kinds, in order of appearance; label first."""
    columns = {"label": "text"} if any(r.label is not None for r in records) else {}
    names = dict.fromkeys(name for record in records for name in record.meta)
    for name in names:
        columns[name] = kind_of(record.meta.get(name) for record in records)
    return columns
