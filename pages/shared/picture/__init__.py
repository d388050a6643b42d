"""One large picture."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

__all__ = ["picture"]

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "workbench.picture",
    html='<div class="box"><img><div class="gone" hidden></div></div>',
    css=(_HERE / "picture.css").read_text("utf-8"),
    js=(_HERE / "picture.js").read_text("utf-8"),
)


def picture(url: str, *, alt: str, key: str) -> None:
    """Draw a picture from its address (``server.picture_url``), fitted; a click zooms.

    Args:
        url: where it is.
        alt: what it shows, for screen readers; taken literally.
        key: unique on the page.
    """
    gone = "This picture cannot be read. The Datasets page lists what is missing."
    _mount(key=key, data=[{"url": url, "alt": alt, "gone": gone}])  # a list: see grid
