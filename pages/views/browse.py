"""Browse a dataset: filter, search, sort, page through, open."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts, export, filters, item, nav, paging
from pages.shared.cells import of_records
from pages.shared.filters import View
from pages.shared.grid import grid
from pages.shared.handle import api
from workbench.types import DatasetInfo

__all__ = ["draw"]


def draw(info: DatasetInfo) -> None:
    """Draw the tab."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        view = filters.bar(info.name, key="browse", sort=True)
        st.space("stretch")
        part = paging.controls()
        export.table(
            lambda: api().items(info.name, view.where, sort=view.sort, search=view.search),
            name=f"{info.name}-items",
            key="browse.export",
        )
    filters.chips(view, key="browse")
    total = api().count(info.name, view.where, search=view.search)
    if view.filtered:
        st.markdown(f"**{amounts.count(total)}** of {amounts.noun(info.items, 'item')}")
    holder = st.container()
    offset = paging.pager(total, part)
    with holder:
        _items(info, view, part, offset)


def _items(info: DatasetInfo, view: View, part: paging.Part, offset: int) -> None:
    records = (
        api()
        .items(
            info.name,
            view.where,
            sort=view.sort,
            limit=part.per_page,
            offset=offset,
            search=view.search,
        )
        .to_pylist()
    )
    sorted_by = view.sort[0][0] if view.sort else ""
    note = sorted_by if sorted_by not in ("", "item", "label") else ""
    event = grid(
        of_records(info, records, note=note, size=part.pixels),
        key="browse.grid",
        size=part.tiles,
        similar=True,
        empty="No item matches these filters.",
    )
    if event is None:
        return
    if event.kind == "similar":
        nav.go("retrieval", dataset=info.name, like=f"{info.name}/{event.row}")
    item.open_item(info.name, event.row, [int(record["row"]) for record in records])
