"""Drawing a page anew because the world has changed, and not because its reader did anything."""

from __future__ import annotations

import streamlit as st

from pages.shared import url

__all__ = ["redraw_unless_in_the_way"]

_LATE = "_looks_with_an_old_address"
_PATIENCE = 2


def redraw_unless_in_the_way() -> None:
    """Draw the whole page anew, or return so that a fragment that looks again by itself asks again.

    It waits while a dialog is open, which would lose the words that are being typed into it; and
    for a browser whose address is old: it looks again with the address it shows, and with one a
    moment old the page would open a dialog that was just closed, or lose a filter just set.
    """
    if url.dialog_is_open():
        return
    late = int(st.session_state.get(_LATE, 0))
    if url.is_old() and late < _PATIENCE:
        st.session_state[_LATE] = late + 1
        return
    st.session_state[_LATE] = 0
    st.rerun()
