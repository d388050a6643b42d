"""Tail and balance: the rarest classes, a corpus thinned by concept, captions against images."""

from __future__ import annotations

import streamlit as st

from pages.shared.errors import guarded
from pages.views import tail_balance, tail_rare, tail_retrieved, tail_sides

__all__ = ["draw"]

_TABS = {
    "Rarest classes": tail_rare.draw,
    "Balance": tail_balance.draw,
    "Retrieved images": tail_retrieved.draw,
    "Captions and images": tail_sides.draw,
}


def draw() -> None:
    """Draw the page."""
    st.title("Tail and balance")
    tabs = st.tabs(list(_TABS), key="tab", bind="query-params")
    for tab, view in zip(tabs, _TABS.values(), strict=True):
        if tab.open:
            with tab, guarded():
                view()
