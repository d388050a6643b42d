"""Which part of a long list is shown: tiles, page size, page number; all in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from pages.shared import amounts, url

__all__ = ["Part", "controls", "offset", "pager"]

_PER_PAGE = (24, 48, 96, 192)
_TILES: tuple[Literal["small", "medium", "large"], ...] = ("small", "medium", "large")


@dataclass(frozen=True)
class Part:
    """How a list is shown.

    Args:
        per_page: cells on a page.
        tiles: how large they are.
    """

    per_page: int
    tiles: Literal["small", "medium", "large"]

    @property
    def pixels(self) -> int:
        """Size of thumbnail that looks sharp in such a tile."""
        return 320 if self.tiles == "large" else 192


def controls() -> Part:
    """Draw the choice of page size and tile size, inside a horizontal container."""
    per_page = st.selectbox(
        "Per page", _PER_PAGE, index=1, key="per", bind="query-params", width=90
    )
    tiles = st.segmented_control(
        "Tiles",
        _TILES,
        default="medium",
        required=True,
        key="tiles",
        bind="query-params",
        format_func={"small": "S", "medium": "M", "large": "L"}.get,
    )
    return Part(int(per_page or 48), tiles or "medium")


def offset(part: Part, *, key: str = "page") -> int:
    """Where the chosen page begins, for lists that are asked for before their length is known."""
    now = st.session_state.get(key)
    number = now if isinstance(now, int) else url.read_int(key, 1)
    return max(0, number - 1) * part.per_page


def pager(total: int, part: Part, *, key: str = "page") -> int:
    """Draw the page numbers; return the offset of the page. Nothing is drawn for one page.

    Args:
        total: length of the whole list.
        part: how much of it a page holds.
        key: also the address parameter.
    """
    pages = max(1, -(-total // part.per_page))
    if pages == 1:
        return 0
    now = st.session_state.get(key)
    if isinstance(now, int) and now > pages:
        st.session_state[key] = pages
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        page = st.pagination(pages, key=key, bind="query-params")
        first = (page - 1) * part.per_page
        last = min(total, first + part.per_page)
        st.caption(f"{amounts.count(first + 1)} to {amounts.count(last)} of {amounts.count(total)}")
    return first
