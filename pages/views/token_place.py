"""The chosen token of the page Image and sentence, and the layers that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.shared import url
from pages.shared.handle import api
from pages.views.token_choice import At
from workbench.api import InputTokens, SideTokens
from workbench.plots.patch_grid import where

__all__ = ["Token", "chosen", "layers", "tokens"]

_MOST = 3
"""Layers beside each other."""


@dataclass(frozen=True)
class Token:
    """One token of an item.

    Args:
        side: ``image`` or ``text``.
        position: number of the patch, or place of the word.
    """

    side: str
    position: int

    @property
    def address(self) -> str:
        """As it stands in the address: ``image-12``."""
        return f"{self.side}-{self.position}"

    def of(self, found: InputTokens) -> SideTokens | None:
        """The tokens of its side."""
        return found.image if self.side == "image" else found.text

    def place(self, found: InputTokens) -> int | None:
        """Where it stands among the tokens of its side; None where it is not there."""
        side = self.of(found)
        positions = [] if side is None else side.positions.tolist()
        return positions.index(self.position) if self.position in positions else None

    def named(self, found: InputTokens) -> str:
        """In words: ``patch in row 2, column 5``, or ``word 3: volcano``; not escaped."""
        if self.side == "image":
            return f"patch in {where(self.position, found.grid)}"
        side, place = found.text, self.place(found)
        word = side.words[place] if side is not None and place is not None else ""
        return f"word {self.position + 1}: {word}"


@st.cache_resource(max_entries=60, show_spinner=False)
def tokens(at: At) -> InputTokens:
    """All tokens of an item, kept while a person looks at it; ``at`` is ``Looked.at``."""
    key, _, row = at
    return api().input_tokens(key, row)


def chosen(found: InputTokens) -> Token | None:
    """The token that the address names; else one near the middle. None without tokens."""
    side, _, place = url.read("token").partition("-")
    if side in ("image", "text") and place.isdigit():
        named = Token(side, int(place))
        if named.place(found) is not None:
            return named
    for name, those in (("image", found.image), ("text", found.text)):
        if those is not None and len(those):
            middle = (len(those) + (found.grid if name == "image" else 0)) // 2
            return Token(name, int(those.positions[min(middle, len(those) - 1)]))
    return None


def layers(known: Sequence[int]) -> tuple[int, ...]:
    """The blocks to show: all of a few; of more, those that are picked here."""
    if len(known) <= _MOST:
        return tuple(known)
    ends = sorted({known[0], known[len(known) // 2], known[-1]})
    picked = st.multiselect(
        "Blocks",
        list(known),
        default=ends,
        max_selections=_MOST,
        key="blocks",
        bind="query-params",
        width=260,
        help="The blocks with experts; at most three side by side.",
    )
    return tuple(sorted(picked)) or tuple(ends)
