"""Margins of the whole page, which Streamlit's theme has no setting for."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

__all__ = ["apply"]

_CSS = Path(__file__).with_name("look.css").read_text("utf-8")
_mount = st.components.v2.component("workbench.look", css=_CSS, isolate_styles=False)


def apply() -> None:
    """Put our style sheet into the page; draws nothing."""
    _mount(key="look", height=1)
