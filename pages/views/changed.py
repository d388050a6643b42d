"""Images as cells of the grid with what two runs said of each."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import amounts, export, item, paging
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.server import picture_url
from workbench.api import ZeroShotRun

__all__ = ["draw"]

_PART = paging.Part(24, "small")


def draw(first: ZeroShotRun, second: ZeroShotRun, rows: Sequence[int], *, name: str) -> None:
    """Draw a page of images with their number, export and pager; a click opens the item.

    Args:
        first: the run before.
        second: the run after.
        rows: of the items, in the order shown.
        name: what they have in common, for exports: one word.
    """
    offset = paging.offset(_PART)
    shown = rows[offset : offset + _PART.per_page]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{amounts.noun(len(rows), 'image')}**", width="stretch")
        export.table(
            lambda: [{"row": row, "change": name} for row in rows],
            name=f"{first.dataset}-{name}",
            key="changed.rows",
        )
    event = grid(_cells(first, second, shown), key="changed.grid", size="small")
    if event is not None:
        item.open_item(first.dataset, event.row, rows)
    paging.pager(len(rows), _PART)


def _cells(first: ZeroShotRun, second: ZeroShotRun, rows: Sequence[int]) -> list[Cell]:
    info = api().dataset(first.dataset)
    said = [
        {one.row: one for one in api().predictions(run.key, rows=rows, limit=len(rows)).rows}
        for run in (first, second)
    ]
    cells = []
    for row in rows:
        before, after = (by_row[row] for by_row in said)
        cells.append(
            Cell(
                row=row,
                url=picture_url(info.name, row, info.created),
                title=before.truth_name,
                text=f"{before.predicted_name} → {after.predicted_name}",
                score=f"{after.confidence:.0%}",
                hint=before.item,
                marked=after.truth == after.predicted,
            )
        )
    return cells
