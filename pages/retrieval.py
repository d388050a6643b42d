"""Retrieval: search with words and images, and measure how well a model retrieves."""

from __future__ import annotations

import streamlit as st

from pages.shared import nav
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.views import evaluate, search

__all__ = ["draw"]


def draw() -> None:
    """Draw the page."""
    infos = api().datasets()
    st.title("Retrieval")
    if not infos:
        st.info("There is nothing to search yet.", icon=":material/search:")
        nav.link("datasets", "Import images", icon=":material/photo_library:")
        return
    tabs = st.tabs(["Search", "Evaluate"], key="tab", bind="query-params")
    for tab, view in zip(tabs, (search.draw, evaluate.draw), strict=True):
        if tab.open:
            with tab, guarded():
                view(infos)
