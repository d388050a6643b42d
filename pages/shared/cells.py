"""Items and hits as cells of the image grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pages.shared.grid import Cell
from pages.shared.plain import short
from pages.shared.server import picture_url
from workbench.api import Hit
from workbench.types import DatasetInfo

__all__ = ["last", "of_hits", "of_records", "share"]


def of_records(
    info: DatasetInfo, records: Sequence[Mapping[str, Any]], *, note: str = "", size: int = 192
) -> list[Cell]:
    """Rows of an items table as cells.

    Args:
        info: their dataset.
        records: with ``row``, ``item``, ``uri`` and ``label``.
        note: column whose value stands under the name, e.g. the one sorted by.
        size: of the thumbnails, one of ``server.SIZES``.
    """
    return [_of_record(info, record, note, size) for record in records]


def _of_record(info: DatasetInfo, record: Mapping[str, Any], note: str, size: int) -> Cell:
    row, name = int(record["row"]), str(record["item"])
    label = record.get("label")
    extra = f"{note}: {record[note]}" if note and record.get(note) is not None else ""
    return Cell(
        row=row,
        url=picture_url(info.name, row, info.created, size) if record.get("uri") else "",
        title=str(label) if label is not None else last(name),
        text="" if label is None else last(name),
        note=short(extra, 60),
        hint=name,
    )


def of_hits(
    info: DatasetInfo,
    hits: Sequence[Hit],
    *,
    scale: tuple[float, float] | None = None,
    size: int = 192,
) -> list[Cell]:
    """Results as cells: rank and cosine on the picture, a bar for the cosine below it.

    Args:
        info: their dataset.
        hits: best first.
        size: of the thumbnails, one of ``server.SIZES``.
        scale: cosines at which the bar is empty and full; taken from these hits when None.
    """
    low, high = scale or _range(hits)
    return [
        Cell(
            row=hit.row,
            url=picture_url(info.name, hit.row, info.created, size),
            title=_title(hit),
            text=hit.caption,
            rank=str(hit.rank),
            score=f"{hit.score:.3f}",
            share=share(hit.score, low, high),
            hint=hit.item,
        )
        for hit in hits
    ]


def _title(hit: Hit) -> str:
    label = hit.columns.get("label")
    return str(label) if label is not None else last(hit.item)


def last(name: str) -> str:
    """The last part of an item's id, where one differs from the next."""
    return short(name.rstrip("/").rpartition("/")[2] or name, 60)


def _range(hits: Sequence[Hit]) -> tuple[float, float]:
    scores = [hit.score for hit in hits]
    return (min(scores), max(scores)) if scores else (0.0, 1.0)


def share(score: float, low: float, high: float) -> float:
    """Where a score lies between two others, 0 to 1."""
    return 1.0 if high <= low else (score - low) / (high - low)
