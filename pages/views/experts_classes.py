"""Classes and concepts that an expert serves, with p-values, and the images behind each."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from pages.shared import amounts, export, item, url
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain, short
from pages.shared.server import picture_url
from workbench.api import ClassServed, Recording

__all__ = ["draw"]

_HELP = (
    "For each image of a class, which share of its patches chose this expert; the mean over the "
    "class, beside the mean over all images. p: how likely so large a mean is for as many images "
    "drawn by lot (images, not patches: patches of one image are routed alike); q: p adjusted for "
    "all tests of this block (Benjamini and Hochberg, 1995)."
)
_SIDES = {"image": "images", "text": "captions"}
_LEVEL = 0.05


def draw(recording: Recording, layer: int, expert: int) -> None:
    """The table of classes, and the images of the one that is chosen."""
    st.subheader("Classes it serves", help=_HELP)
    if all(each.name != recording.dataset for each in api().datasets()):
        st.caption("The dataset was removed, so its classes are not known.")
        return
    columns = _columns(recording.key, recording.created, layer)
    if not columns:
        st.caption("The dataset has no column with classes.")
        return
    first, second, _ = st.columns([1, 1, 1.5], gap="small", vertical_alignment="bottom")
    with first:
        column = addressed("Column", {each: each for each in columns}, param="column")
    with second:
        sides = [side for side in _SIDES if recording.inputs.get(side)]
        side = st.segmented_control(
            "Tokens of",
            sides,
            default=sides[0],
            required=True,
            key="side",
            bind="query-params",
            format_func=lambda each: _SIDES[each],
        )
    modality = list(_SIDES).index(side if side in sides else sides[0])
    found = _classes(recording.key, recording.created, (layer, expert), column, modality)
    sure = [each for each in found if each.q <= _LEVEL]
    base = found[0].base if found else 0.0
    st.caption(
        f"{amounts.count(len(sure))} of {amounts.count(len(found))} values of "
        f"{plain(column)} come to it more than chance explains (q up to 5%), where {base:.1%} of "
        f"the tokens of all {_SIDES[list(_SIDES)[modality]]} do."
    )
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        _table(recording, found, layer, expert)
    with right:
        names = [each.name for each in found]
        chosen = url.read("class")
        if chosen not in names:
            chosen = names[0] if names else ""
        if chosen:
            _images(recording, layer, expert, column, chosen)


@st.cache_data(max_entries=50, show_spinner="Testing classes")
def _columns(key: str, created: float, layer: int) -> tuple[str, ...]:
    return api().expert_columns(key, layer)


@st.cache_resource(max_entries=60, show_spinner="Testing classes")
def _classes(
    key: str, created: float, expert: tuple[int, int], column: str, modality: int
) -> tuple[ClassServed, ...]:
    return api().expert_classes(key, *expert, column, modality)


def _table(recording: Recording, found: tuple[ClassServed, ...], layer: int, expert: int) -> None:
    rows = [
        {
            "class": each.name,
            "lift": _known(each.lift),
            "share": each.share,
            "inputs": each.inputs,
            "p": _known(each.p),
            "q": _known(each.q),
        }
        for each in found
    ]

    def selected() -> None:
        picked = st.session_state["classes.table"].selection.rows
        url.write(**{"class": rows[picked[0]]["class"] if picked else None})

    number = st.column_config.NumberColumn
    st.dataframe(
        rows,
        hide_index=True,
        height=360 if len(rows) > 9 else "content",
        key="classes.table",
        selection_mode="single-row",
        on_select=selected,
        column_config={
            "class": st.column_config.TextColumn("class", pinned=True),
            "lift": number("lift", format="%.2f", help="Share over that of all inputs."),
            "share": number("share", format="percent", help="Of the tokens of its inputs."),
            "inputs": number("inputs", help="Images or captions of the class."),
            "p": number("p", format="%.2g", help="Empty for classes of fewer than 5 inputs."),
            "q": number("q", format="%.2g", help="p adjusted for all tests of this block."),
        },
    )
    name = f"{recording.model}-block{layer}-expert{expert}-classes"
    export.table(lambda: rows, name=name, key="classes.export")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _images(recording: Recording, layer: int, expert: int, column: str, name: str) -> None:
    found = api().class_items(recording.key, layer, expert, column=column, name=name, n=18)
    st.markdown(f"**{plain(short(name, 60))}**: images, by their share of patches that chose it")
    info = api().dataset(recording.dataset)
    cells = [
        Cell(
            row=row,
            url=picture_url(info.name, row, info.created),
            score=f"{share:.0%}",
            share=share,
        )
        for row, share in found
    ]
    event: Any = grid(cells, key="classes.grid", size="small", empty="No image of it.")
    if event is not None:
        item.open_item(info.name, event.row, [row for row, _ in found])
