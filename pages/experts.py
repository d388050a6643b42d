"""Experts: which experts of a mixture images and texts are sent to, and what each one serves."""

from __future__ import annotations

import streamlit as st

from pages.shared.errors import guarded
from pages.views import (
    experts_flow,
    experts_one,
    experts_overview,
    experts_sources,
    experts_training,
    recordings,
)

__all__ = ["draw"]


def draw() -> None:
    """Draw the page."""
    st.title("Experts")
    found = recordings.all_of_them()
    if not found:
        recordings.nothing_yet()
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        recording = recordings.pick(found)
        other = experts_sources.beside(found, recording)
        with st.popover(
            "Record", icon=":material/add:", key="record.open", on_change="rerun"
        ) as opened:
            if opened.open:
                recordings.make(key="record")
    st.caption(experts_sources.facts(recording))
    views = {
        "Overview": lambda: experts_overview.draw(recording, other),
        "An expert": lambda: experts_one.draw(recording),
        "Flow": lambda: experts_flow.draw(recording),
        "Training": lambda: experts_training.draw(recording, other),
    }
    tabs = st.tabs(list(views), key="tab", bind="query-params")
    for tab, view in zip(tabs, views.values(), strict=True):
        if tab.open:
            with tab, guarded():
                view()
