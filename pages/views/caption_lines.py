"""Captions as lines with the words that name a concept marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.shared.marked import marked
from pages.shared.plain import plain
from workbench.api import CaptionExample

__all__ = ["draw"]


def draw(
    examples: Sequence[CaptionExample], *, note: Callable[[CaptionExample], str] | None = None
) -> None:
    """Draw captions one below the other.

    Args:
        examples: to draw.
        note: a few words before a caption, such as what became of it.
    """
    lines = []
    for each in examples:
        said = f":small[:gray[{plain(note(each))}]] " if note is not None else ""
        lines.append(f"- {said}{marked(each.text, each.spans)}")
    st.markdown("\n".join(lines))
