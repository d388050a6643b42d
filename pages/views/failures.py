"""Failures of a retrieval evaluation: each query with its truth and what beat it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.shared import amounts, export, filters, item, paging
from pages.shared.cells import last
from pages.shared.filters import View
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.server import picture_url
from workbench.api import Direction, FailurePage, FailureRow, Hit
from workbench.plots import style
from workbench.types import DatasetInfo

__all__ = ["draw"]

_PER_PAGE = 10
_ASKS = {"text-to-image": "texts", "image-to-text": "images"}


@dataclass(frozen=True)
class _Asked:
    """Which failures: of one evaluation, in one direction, of the items that a view shows."""

    info: DatasetInfo
    model: str
    way: Direction
    view: View

    def page(self, limit: int, offset: int = 0) -> FailurePage:
        return api().retrieval_failures(
            self.info.name,
            self.model,
            self.way,
            where=self.view.where,
            search=self.view.search,
            limit=limit,
            offset=offset,
        )


def draw(info: DatasetInfo, model: str, way: Direction, view: View) -> None:
    """Draw one page of the failures of an evaluation, of the items that a view shows."""
    filters.chips(view, key="failures")
    asked = _Asked(info, model, way, view)
    offset = paging.offset(paging.Part(_PER_PAGE, "small"))
    found = asked.page(_PER_PAGE, offset)
    if found.total and not found.rows:
        found = asked.page(_PER_PAGE)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        share = found.total / found.of if found.of else 0.0
        st.markdown(
            f"**{amounts.count(found.total)}** of {amounts.count(found.of)} {_ASKS[way]} "
            f"({share:.1%}) do not find their own first.",
            width="stretch",
        )
        export.table(
            lambda: asked.page(max(1, found.total)).table,
            name=f"{info.name}-{model}-{way}-failures",
            key="failures.export",
        )
    for failure in found.rows:
        _failure(info, way, failure)
    paging.pager(found.total, paging.Part(_PER_PAGE, "small"))


def _failure(info: DatasetInfo, way: Direction, failure: FailureRow) -> None:
    key = f"failure.{way}.{failure.row}.{failure.caption_row}"
    with st.container(border=True, gap="small", key=key):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(f"rank {failure.rank:,.4g}", color="orange")
            st.text(failure.query, width="stretch")
        event = grid(
            [_truth(info, way, failure), *_wrong(info, failure)],
            key=f"{key}.grid",
            layout="strip" if way == "text-to-image" else "list",
            size="small",
            accent=style.IMAGE_COLOUR if way == "text-to-image" else style.TEXT_COLOUR,
        )
        if event is not None:
            rows = [failure.row, *(hit.row for hit in failure.distractors)]
            item.open_item(info.name, event.row, rows)


def _truth(info: DatasetInfo, way: Direction, failure: FailureRow) -> Cell:
    """The right answer; for an image that asked, the image with its own text."""
    own = api().item(info.name, failure.row)
    text = ""
    if way == "image-to-text":
        by_row = dict(zip(own.caption_rows, own.captions, strict=True))
        text = by_row.get(failure.truth, "")
    return Cell(
        row=failure.row,
        url=picture_url(info.name, failure.row, info.created, 192),
        title="its own",
        text=text or last(own.item),
        rank=f"{failure.rank:,.4g}",
        score=f"{failure.truth_score:.3f}",
        marked=True,
    )


def _wrong(info: DatasetInfo, failure: FailureRow) -> list[Cell]:
    return [
        _distractor(info, hit, same)
        for hit, same in zip(failure.distractors, failure.same_text, strict=True)
    ]


def _distractor(info: DatasetInfo, hit: Hit, same: bool) -> Cell:
    label = hit.columns.get("label")
    return Cell(
        row=hit.row,
        url=picture_url(info.name, hit.row, info.created, 192),
        title=str(label) if label is not None else last(hit.item),
        text=hit.caption,
        note="the very same text" if same else "",
        rank=str(hit.rank),
        score=f"{hit.score:.3f}",
    )
