"""Images and captions behind a figure of the modality gap; a click opens the item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pages.shared import item, paging
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.server import picture_url
from workbench.api import ModalityReport
from workbench.plots import style

__all__ = ["draw", "paged"]

_PART = paging.Part(10, "small")

Side = Literal["image", "text"]


def draw(
    report: ModalityReport,
    rows: Sequence[int],
    *,
    side: Side,
    key: str,
    scores: Mapping[int, str] | None = None,
    shares: Mapping[int, float] | None = None,
    walk: Sequence[int] = (),
    opens: bool = True,
    current: int | None = None,
    empty: str = "None.",
) -> int | None:
    """Draw items as pictures with their captions, or as captions with a small picture.

    Args:
        report: whose items.
        rows: in order.
        side: what stands out.
        key: unique on the page.
        scores: row -> badge.
        shares: row -> length of a bar, 0 to 1.
        walk: rows that the arrow keys walk in the dialog; ``rows`` when empty.
        opens: a click opens the item; else only its row is returned.
        current: row to mark.
        empty: words for none.

    Returns:
        Row of the item that was clicked; None for none.
    """
    info = api().dataset(report.dataset)
    captions = api().modality_captions(report.key, rows)
    cells = [
        Cell(
            row=row,
            url=picture_url(info.name, row, info.created, 96 if side == "text" else 192),
            title=captions.get(row, "") if side == "text" else "",
            text="" if side == "text" else captions.get(row, ""),
            score=(scores or {}).get(row, ""),
            share=(shares or {}).get(row),
            hint=captions.get(row, ""),
        )
        for row in rows
    ]
    event = grid(
        cells,
        key=key,
        layout="list" if side == "text" else "grid",
        size="small",
        accent=style.TEXT_COLOUR if side == "text" else style.IMAGE_COLOUR,
        current=current,
        empty=empty,
    )
    if event is None:
        return None
    if opens:
        item.open_item(report.dataset, event.row, walk or rows)
    return event.row


def paged(
    report: ModalityReport,
    rows: Sequence[int],
    *,
    side: Side,
    key: str,
    scores: Mapping[int, str] | None = None,
) -> None:
    """Draw a page of many items with its pager; the page number is in the address (``at``)."""
    start = min(paging.offset(_PART, key="at"), max(0, len(rows) - 1))
    start -= start % _PART.per_page
    shown = rows[start : start + _PART.per_page]
    draw(report, shown, side=side, key=key, scores=scores, walk=rows)
    paging.pager(len(rows), _PART, key="at")
