"""The images and captions that an ablation breaks or fixes, as a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.shared import amounts, export, item, paging, url
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.shared.server import picture_url
from workbench.api import AblationReport, AblationWay, Changed

__all__ = ["draw"]

_WAYS: Mapping[str, AblationWay] = {
    "class": "classes",
    "caption": "image_to_text",
    "image": "text_to_image",
}
_PART = paging.Part(20, "small")


def draw(report: AblationReport) -> None:
    """Draw what is broken and fixed; a click opens the item."""
    st.subheader("Broken images")
    lost = [each for each in _WAYS if each != "class" or report.images]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        what = st.segmented_control(
            "What is lost",
            lost,
            default=lost[0],
            required=True,
            key="lost",
            bind="query-params",
            on_change=_first_page,
            help="Class: the image no longer gets its class. Caption: the image no longer finds "
            "its caption first. Image: the caption no longer finds its image first.",
        )
        side = st.segmented_control(
            "Show",
            ["broken", "fixed"],
            default="broken",
            required=True,
            key="changed",
            bind="query-params",
            on_change=_first_page,
            help="Broken: right with all experts and wrong without. Fixed: the other way round.",
        )
    way = _WAYS[what if what in lost else lost[0]]
    by, place = "class", -1
    if way == "classes":
        by, place = url.read("by", "class"), url.read_int("group", -1)
    found = _changed(report.key, way, by, place)
    rows = found.fixed if side == "fixed" else found.broken
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"**{amounts.noun(len(rows), 'image')}** {side} of {amounts.count(found.n)} · "
            f"{amounts.count(len(found.broken))} broken, {amounts.count(len(found.fixed))} fixed, "
            f"p = {found.p:.2g}",
            width="stretch",
            help="McNemar's test: how likely such a difference is when the experts make none.",
        )
        if way == "classes" and place >= 0:
            st.button(
                "All groups",
                key="ablate.all",
                icon=":material/close:",
                on_click=lambda: url.write(group=None),
            )
        export.table(
            lambda: [
                {"row": row, "change": name, "truth": found.titles.get(row), "said": said}
                for name, each in (("broken", found.broken), ("fixed", found.fixed))
                for row in each
                for said in [" → ".join(found.words.get(row, ()))]
            ],
            name=f"{found.dataset}-{way}-ablated",
            key="ablate.changed.export",
        )
    _pictures(report, found, way, rows)


def _first_page() -> None:
    st.session_state.pop("page", None)
    url.write(page=None)


@st.cache_data(max_entries=100, show_spinner=False)
def _changed(key: str, way: AblationWay, by: str, place: int) -> Changed:
    return api().ablation_changed(key, way, by=by, place=place if place >= 0 else None)


def _pictures(
    report: AblationReport, found: Changed, way: AblationWay, rows: Sequence[int]
) -> None:
    start = min(paging.offset(_PART), max(0, len(rows) - 1))
    start -= start % _PART.per_page
    shown = rows[start : start + _PART.per_page]
    info = api().dataset(found.dataset)
    captions = {} if way == "classes" else api().ablation_captions(report.key, shown)
    cells = [
        Cell(
            row,
            picture_url(info.name, row, info.created),
            title=found.titles.get(row, ""),
            text=" → ".join(found.words.get(row, ())) or captions.get(row, ""),
            marked=row in set(found.fixed),
        )
        for row in shown
    ]
    event = grid(cells, key="ablate.grid", size="small", empty="None.")
    if event is not None:
        item.open_item(found.dataset, event.row, rows)
    paging.pager(len(rows), _PART)
    st.caption(f"Of {plain(found.dataset)}. A click opens the image.")
