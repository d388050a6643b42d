"""The image grid: fast, responsive, walked with the arrow keys, every cell a door to its item."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

__all__ = ["Cell", "Event", "grid"]

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "workbench.grid",
    html='<div class="root"><div class="cells" role="list"></div><div class="empty"></div></div>',
    css=(_HERE / "grid.css").read_text("utf-8"),
    js=(_HERE / "grid.js").read_text("utf-8"),
)

Layout = Literal["grid", "strip", "list"]
Size = Literal["tiny", "small", "medium", "large"]


@dataclass(frozen=True)
class Cell:
    """One picture with its words; all texts are shown literally.

    Args:
        row: what the event hands back.
        url: address of the picture (``server.picture_url``); empty for a text alone.
        title: first line, e.g. the label.
        text: second line, e.g. the caption; clamped to two lines.
        note: third line, dimmed.
        rank: badge at the left of the picture, e.g. ``3``.
        score: badge at the right of the picture, e.g. ``0.312``.
        share: length of the bar under the picture, 0 to 1; None draws none.
        hint: tooltip.
        marked: drawn with a green edge, e.g. the right answer among wrong ones.
        part: shows only this part of the picture, enlarged to the whole frame: left, upper, right
            and lower edge as shares of the picture; may reach beyond it.
        outline: a box drawn into the picture, in the same shares of the whole.
    """

    row: int
    url: str = ""
    title: str = ""
    text: str = ""
    note: str = ""
    rank: str = ""
    score: str = ""
    share: float | None = None
    hint: str = ""
    marked: bool = False
    part: tuple[float, float, float, float] | None = None
    outline: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Event:
    """What a person did to a cell: ``open`` it, or look for what is ``similar`` to it."""

    kind: Literal["open", "similar"]
    row: int
    index: int


def grid(
    cells: Sequence[Cell],
    *,
    key: str,
    layout: Layout = "grid",
    size: Size = "medium",
    similar: bool = False,
    current: int | None = None,
    accent: str = "#0072B2",
    empty: str = "Nothing matches.",
) -> Event | None:
    """Draw the cells; return what was just done to one of them, else None.

    Arrow keys, Home and End move; Enter opens; S finds similar ones, when offered. Pictures load
    as they come into view.

    Args:
        cells: in order; a page of them, not the collection.
        key: unique on the page; keeps focus and scroll while other widgets change.
        layout: ``grid`` of squares, ``strip`` in one row, or ``list`` of texts.
        size: of the cells.
        similar: offer "find similar" on each cell that has a picture.
        current: row of the cell to mark.
        accent: colour of the bars; the colour of images or of texts.
        empty: shown in place of the cells when there are none.
    """
    drawn = [asdict(cell) for cell in cells]
    facts = {"layout": layout, "size": size, "similar": similar, "accent": accent, "empty": empty}
    token = hashlib.blake2b(json.dumps([drawn, facts]).encode(), digest_size=8).hexdigest()
    result = _mount(
        key=key,
        # in a list, where Streamlit looks for no tables: that takes half a second once, for pandas
        data=[{"cells": drawn, **facts, "current": current, "token": token}],
        on_open_change=_nothing,
        on_similar_change=_nothing,
    )
    for kind in ("open", "similar"):
        sent = result.get(kind)
        # An event from cells that have since been replaced would open the wrong item.
        if sent and sent.get("token") == token:
            return Event(kind, int(sent["row"]), int(sent["index"]))
    return None


def _nothing() -> None:
    """Declare the event; what it means is read from the result."""
