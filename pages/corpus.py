"""Corpus: how often captions name each concept, counted here or published."""

from __future__ import annotations

import streamlit as st

from pages.shared.errors import guarded
from pages.views import count_ask, counted, published_tables

__all__ = ["draw"]

_TABS = {
    "Concepts": counted.draw,
    "Count": count_ask.draw,
    "Published": published_tables.draw,
}


def draw() -> None:
    """Draw the page."""
    st.title("Corpus")
    tabs = st.tabs(list(_TABS), key="tab", bind="query-params")
    for tab, view in zip(tabs, _TABS.values(), strict=True):
        if tab.open:
            with tab, guarded():
                view()
