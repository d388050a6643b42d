"""Words of an expert with their lift, and what the router says of words."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts, export
from pages.shared.handle import api
from pages.shared.plain import plain
from workbench.api import Recording, RouterWord, WordServed

__all__ = ["draw"]

_CHIPS = 24
_LEAST = 10

_ROUTER = """
An expert's row of router weights is a direction in the space of this block's tokens. That is not
the space where images and captions meet, and no text can be encoded into it, so the row has no
caption of its own. But words pass the same router: the mean probability it gives this expert over
all occurrences of a word says how far the word's tokens point along that direction, chosen or not.
"""


def draw(recording: Recording, layer: int, expert: int) -> None:
    """The words that chose an expert, and those its router likes."""
    found = _words(recording.key, recording.created, layer, expert)
    st.subheader("Words", help="Lift: how much more often a word goes to it than words do.")
    if not recording.inputs.get("text"):
        st.caption("No texts were recorded.")
        return
    if not found:
        st.info("No word came to this expert.", icon=":material/notes:")
    else:
        _chips(found)
        _table(recording, found, layer, expert)
    _router(recording, layer, expert)


@st.cache_resource(max_entries=50, show_spinner=False)
def _words(key: str, created: float, layer: int, expert: int) -> tuple[WordServed, ...]:
    return api().word_lifts(key, layer, expert)


def _chips(found: tuple[WordServed, ...]) -> None:
    """The surest words as a line that can be read from the last row."""
    often = sorted(found, key=lambda word: -word.n)[:_CHIPS]
    said = " ".join(
        f":orange-background[{plain(each.word)}]"
        if each.low > 1
        else f":gray-background[{plain(each.word)}]"
        for each in often
    )
    st.markdown(said)
    uses = sum(each.n for each in found)
    st.caption(
        f"Its most frequent words, of {amounts.count(uses)} word tokens in all; marked: those that "
        "come to it more often than words do."
    )


def _table(recording: Recording, found: tuple[WordServed, ...], layer: int, expert: int) -> None:
    rows = [
        {
            "word": each.word,
            "lift": each.lift,
            "from": each.low,
            "to": each.high,
            "share": each.share,
            "here": each.n,
            "uses": each.uses,
        }
        for each in found
    ]
    number = st.column_config.NumberColumn
    st.dataframe(
        rows,
        hide_index=True,
        height=320 if len(rows) > 8 else "content",
        key="words.table",
        column_config={
            "word": st.column_config.TextColumn("word", pinned=True),
            "lift": number(
                "lift",
                format="%.2f",
                help="Share of the word's uses that chose this expert, over the share of all words "
                "that did; 1 is no preference.",
            ),
            "from": number("from", format="%.2f", help="95% interval of the lift (Wilson)."),
            "to": number("to", format="%.2f"),
            "share": number("share", format="percent", help="Of the word's uses."),
            "here": number("here", format="%.0f", help="Uses that chose this expert."),
            "uses": number("uses", format="%.0f", help="Uses in all."),
        },
    )
    name = f"{recording.model}-block{layer}-expert{expert}-words"
    export.table(lambda: rows, name=name, key="words.export")


def _router(recording: Recording, layer: int, expert: int) -> None:
    with st.expander(
        "What the router's weights say in words", icon=":material/alt_route:", key="router.open",
        on_change="rerun",
    ) as opened:  # fmt: skip
        if not opened.open:
            return
        st.markdown(_ROUTER)
        found = _router_words(recording.key, recording.created, layer, expert)
        if not found:
            st.caption("This router gives no probabilities, or too few texts were recorded.")
            return
        st.dataframe(
            [
                {
                    "word": each.word,
                    "probability": each.probability,
                    "lift": each.lift,
                    "uses": each.tokens,
                }
                for each in found
            ],
            hide_index=True,
            height="content",
            key="router.table",
            column_config={
                "probability": st.column_config.NumberColumn(
                    "mean probability", format="%.4f", help="Over the word's occurrences."
                ),
                "lift": st.column_config.NumberColumn(
                    "lift", format="%.1f", help="Over the mean of all words."
                ),
            },
        )


@st.cache_resource(max_entries=50, show_spinner="Reading the router's probabilities")
def _router_words(key: str, created: float, layer: int, expert: int) -> tuple[RouterWord, ...]:
    return api().router_words(key, layer, expert)
