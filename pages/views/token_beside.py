"""Two images beside each other: how alike a recording routes them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.shared import export
from pages.shared.handle import api
from pages.views.token_choice import Looked
from workbench.api import SamePlaces

__all__ = ["draw"]

_NAMES = {"image": "patches", "text": "words"}


def draw(first: Looked, second: Looked) -> None:
    """Say how alike two items are routed; of two recordings, why that is not said.

    Args:
        first: an item.
        second: another, or the same of another recording.
    """
    if first.recording.model_key != second.recording.model_key:
        st.caption(
            "The numbers and colours of two models have nothing to do with each other: expert 3 of "
            "one is another than expert 3 of the other. Compare how the parts of the image are "
            "grouped, not which number they bear."
        )
        return
    if first.recording.key != second.recording.key:
        return
    st.subheader(
        "How alike the two are routed",
        help="Same expert: share of places whose tokens have the same first choice in both. By "
        "chance: what that would be if each kept its experts and their places were shuffled. "
        "Overlap: sum over experts of the smaller of both shares; 1 means the same mix of experts.",
    )
    rows = _rows(first.recording.key, first.recording.created, first.row, second.row)
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        key="tokens.alike",
        column_config={
            "same expert": percent,
            "by chance": percent,
            "overlap": st.column_config.ProgressColumn(
                "overlap", format="percent", min_value=0, max_value=1
            ),
        },
    )
    export.table(
        lambda: rows,
        name=f"{first.recording.dataset}-{first.row}-{second.row}",
        key="tokens.alike.export",
    )


@st.cache_data(max_entries=100, show_spinner=False)
def _rows(key: str, created: float, row: int, other: int) -> list[dict[str, Any]]:
    found = api().alike(key, row, other)
    return [_row(_NAMES[side], each) for side, layers in found.items() for each in layers]


def _row(tokens: str, each: SamePlaces) -> dict[str, Any]:
    return {
        "block": each.layer,
        "tokens": tokens,
        "places": each.n,
        "same expert": each.same,
        "by chance": each.chance,
        "overlap": each.overlap,
    }
