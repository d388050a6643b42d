"""Image and sentence: each patch of one image and each word of its caption by expert."""

from __future__ import annotations

import streamlit as st

from pages.views import (
    recordings,
    token_beside,
    token_choice,
    token_grids,
    token_place,
    token_way,
)

__all__ = ["draw"]


def draw() -> None:
    """Draw the page."""
    st.title("Image and sentence")
    found = recordings.all_of_them()
    if not found:
        recordings.nothing_yet()
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        recording = recordings.pick(found)
        layers = token_place.layers(recording.layers)
        ink = st.slider(
            "Colour",
            0.0,
            1.0,
            0.6,
            0.1,
            key="ink",
            bind="query-params",
            width=160,
            help="How strongly the colours of the experts cover the picture.",
        )
    st.caption(recordings.facts(recording))
    looked = token_choice.choose(found, recording)
    if looked is None:
        return
    first, second = looked
    held = token_place.tokens(first.at)
    token = token_place.chosen(held)
    token_grids.draw(token_grids.Shown(first, token, layers, float(ink), "tokens.first"))
    if second is not None:
        other = second.recording
        shown = layers if other.layers == recording.layers else other.layers[: len(layers)]
        token_grids.draw(token_grids.Shown(second, token, shown, float(ink), "tokens.second"))
        token_beside.draw(first, second)
    if token is not None:
        token_way.draw(first, token)
