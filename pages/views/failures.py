"""Failures of a retrieval evaluation: each query with its truth and what beat it."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts, export, filters, item, paging
from pages.shared.filters import View
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.plain import short
from pages.shared.server import picture_url
from workbench.api import Direction, FailureRow, Hit
from workbench.plots import style
from workbench.types import DatasetInfo

__all__ = ["draw"]

_PER_PAGE = 10


def draw(info: DatasetInfo, model: str, way: Direction) -> None:
    """Draw the filters (in the row that is open) and one page of failures."""
    view = filters.bar(info.name, key="failures")
    page = int(st.session_state.get("page", 1) or 1)
    found = _ask(info, model, way, view, _PER_PAGE, (page - 1) * _PER_PAGE)
    if found.total and not found.rows:
        found = _ask(info, model, way, view, _PER_PAGE, 0)
    export.table(
        lambda: _ask(info, model, way, view, found.total or 1, 0).table,
        name=f"{info.name}-{model}-{way}-failures",
        key="failures.export",
    )
    with st.container(width="stretch"):
        share = found.total / found.of if found.of else 0
        st.markdown(
            f"**{amounts.count(found.total)}** of {amounts.count(found.of)} queries "
            f"({share:.1%}) do not find their own first."
        )
        for failure in found.rows:
            _failure(info, way, failure)
        paging.pager(found.total, paging.Part(_PER_PAGE, "small"))


def _ask(info, model, way, view: View, limit: int, offset: int):  # noqa: ANN001, ANN202
    return api().retrieval_failures(
        info.name, model, way, where=view.where, search=view.search, limit=limit, offset=offset
    )


def _failure(info: DatasetInfo, way: Direction, failure: FailureRow) -> None:
    key = f"failure.{way}.{failure.row}.{failure.caption_row}"
    with st.container(border=True, gap="small", key=key):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(f"rank {amounts.count(failure.rank)}", color="orange")
            st.text(failure.query, width="stretch")
        event = grid(
            [_truth(info, way, failure), *_wrong(info, way, failure)],
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
        text=text or short(own.item, 40),
        rank=amounts.count(failure.rank),
        score=f"{failure.truth_score:.3f}",
    )


def _wrong(info: DatasetInfo, way: Direction, failure: FailureRow) -> list[Cell]:
    return [
        _distractor(info, hit, same)
        for hit, same in zip(failure.distractors, failure.same_caption, strict=True)
    ]


def _distractor(info: DatasetInfo, hit: Hit, same: bool) -> Cell:
    label = hit.columns.get("label")
    return Cell(
        row=hit.row,
        url=picture_url(info.name, hit.row, info.created, 192),
        title=str(label) if label is not None else short(hit.item, 40),
        text=hit.caption,
        note="the very same caption" if same else "",
        rank=str(hit.rank),
        score=f"{hit.score:.3f}",
    )
