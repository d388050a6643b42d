"""Evaluate: zero-shot runs of a model on a dataset, and what they measured."""

from __future__ import annotations

import streamlit as st

from pages.shared import nav
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.views import zero_shot_ask, zero_shot_measures

__all__ = ["draw"]


def draw() -> None:
    """Draw the page."""
    st.title("Zero-shot")
    infos = api().datasets()
    if not infos:
        st.info("There is nothing to evaluate on yet.", icon=":material/target:")
        nav.link("datasets", "Import images", icon=":material/photo_library:")
        return
    info = zero_shot_ask.draw(infos)
    with guarded():
        zero_shot_measures.draw(info)
