"""The button that copies the link of the present view."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

__all__ = ["copy_button"]

_HERE = Path(__file__).parent
_CHAIN = "M9 15 15 9M12 7l2-2a3.5 3.5 0 0 1 5 5l-2 2M12 17l-2 2a3.5 3.5 0 0 1-5-5l2-2"
_mount = st.components.v2.component(
    "workbench.link",
    html=f'<button type="button" title="The address holds everything chosen on this page">'
    f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{_CHAIN}"/></svg>'
    f"<span>Copy link to this view</span></button>",
    css=(_HERE / "link.css").read_text("utf-8"),
    js=(_HERE / "link.js").read_text("utf-8"),
)


def copy_button() -> None:
    """Draw the button."""
    _mount(key="link")
