"""The first records of any importer, summed up for a person before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.importers.importer import Importer, Skipped
from workbench.importers.roles import kind_of
from workbench.types import Preview, Record

__all__ = ["preview_of"]

_COUNT_SECONDS = 0.5


def preview_of(
    importer: Importer,
    path: Path,
    limit: int,
    options: Mapping[str, Any],
    *,
    notes: Sequence[str] = (),
    vectors: bool = False,
) -> Preview:
    """Read up to ``limit`` records and count the rest for half a second at most.

    Args:
        importer: the format, as recognised.
        path: the source.
        limit: most records to read.
        options: the person's choices, handed on to ``records``.
        notes: sentences of the importer; what is skipped among the first rows is added to them.
        vectors: the source brings vectors along.
    """
    entries = list(islice(importer.records(path, **options), max(0, limit)))
    records = tuple(entry for entry in entries if isinstance(entry, Record))
    skipped = [entry for entry in entries if isinstance(entry, Skipped)]
    found = [f"{entry.key or path.name} will be skipped: {entry.reason}." for entry in skipped]
    return Preview(
        importer=importer.key,
        title=importer.title,
        records=records,
        columns=columns_of(records),
        total=importer.total(path, seconds=_COUNT_SECONDS),
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
