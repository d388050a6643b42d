"""What surrounds every page: settings of the browser page, navigation, worker state."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shared import handle, item, look, nav, url, worker
from pages.shared.errors import guarded
from pages.shared.link import copy_button
from workbench import __version__

__all__ = ["draw"]

# A file of our own: icons by name would be fetched from a server on the network.
_ICON = Path(__file__).with_name("icon.png")
_ABOUT = f"""
**Workbench {__version__}**: search, inspect and compare what vision-language models see.
Everything stays on this machine.
"""


def draw() -> None:
    """Draw the page that the address names, inside the frame."""
    st.set_page_config(
        page_title="Workbench",
        page_icon=str(_ICON),
        layout="wide",
        menu_items={"About": _ABOUT},
    )
    st.logo(str(_ICON), size="large")
    chosen = st.navigation(nav.sections(), expanded=True)
    handle.prepare()
    with st.sidebar, guarded():
        worker.chip()
        copy_button()
        look.apply()
    url.remember()  # as callbacks left it; what follows may be cut short
    chosen.run()
    item.draw_if_open()
    url.remember()


if __name__ == "__main__":  # run by Streamlit for each session
    draw()
