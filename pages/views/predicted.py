"""Predictions as cells of the image grid, and the pages of them that a view asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st

from pages.shared import amounts, export, item, paging
from pages.shared.cells import last
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.server import picture_url
from workbench.api import PredictionPage, PredictionRow, ZeroShotRun
from workbench.plots import style
from workbench.types import DatasetInfo

__all__ = ["Asked", "cells", "draw"]


@dataclass(frozen=True)
class Asked:
    """Which predictions of a run, in which order.

    Args:
        run: whose.
        conditions: keyword arguments of ``Workbench.predictions``: ``where``, ``truth`` ...
        sort: (column, direction).
    """

    run: ZeroShotRun
    conditions: dict[str, Any] = field(default_factory=dict)
    sort: tuple[str, Literal["asc", "desc"]] = ("margin", "asc")

    def page(self, limit: int, offset: int = 0) -> PredictionPage:
        """The predictions from ``offset`` on."""
        return api().predictions(
            self.run.key, **self.conditions, sort=self.sort, limit=limit, offset=offset
        )


def draw(asked: Asked, words: str, *, key: str, part: paging.Part, param: str = "page") -> None:
    """Draw a page of predictions with their count, export and pager; a click opens the item.

    Args:
        asked: which.
        words: what is true of them, after their number: ``are mistaken``.
        key: unique on the page.
        part: how much of them stands on a page.
        param: address parameter of the page number.
    """
    offset = paging.offset(part, key=param)
    found = asked.page(part.per_page, offset)
    if found.total and not found.rows:
        found = asked.page(part.per_page)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        share = f" ({found.total / found.of:.1%})" if found.of else ""
        st.markdown(
            f"**{amounts.count(found.total)}** of {amounts.noun(found.of, 'image')}{share} {words}",
            width="stretch",
        )
        export.table(
            lambda: asked.page(max(1, found.total)).table,
            name=f"{asked.run.dataset}-{asked.run.model}-{asked.run.head}-predictions",
            key=f"{key}.export",
        )
    event = grid(
        cells(api().dataset(asked.run.dataset), found.rows, size=part.pixels),
        key=f"{key}.grid",
        size=part.tiles,
        accent=style.TEXT_COLOUR,
        empty="No such image.",
    )
    if event is not None:
        item.open_item(asked.run.dataset, event.row, [row.row for row in found.rows])
    paging.pager(found.total, part, key=param)


def cells(info: DatasetInfo, rows: Sequence[PredictionRow], *, size: int = 192) -> list[Cell]:
    """Predictions as cells: the prediction, what was true, and the confidence as a bar."""
    return [_cell(info, row, size) for row in rows]


def _cell(info: DatasetInfo, row: PredictionRow, size: int) -> Cell:
    right = row.truth == row.predicted
    known = row.truth >= 0
    return Cell(
        row=row.row,
        url=picture_url(info.name, row.row, info.created, size),
        title=row.predicted_name,
        text="" if right or not known else f"is {row.truth_name}",
        note="" if right or not known else f"margin {row.margin:.2f}, rank {row.rank:,}",
        score=f"{row.confidence:.0%}",
        share=row.confidence,
        hint=last(row.item),
        marked=right,
    )
