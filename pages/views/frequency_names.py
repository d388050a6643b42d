"""Names: classes without a count and counts without a class, and saying which are the same."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import amounts, export
from pages.shared.plain import plain, short
from pages.views import frequency_classes, frequency_sources
from pages.views.frequency_reports import Shown
from workbench.longtail.matching_names import NameMatch, Unmatched

__all__ = ["draw"]

_LISTED = 500


def draw(ones: Sequence[Shown]) -> None:
    """Draw the tab."""
    one = frequency_classes.looked_at(ones)
    match = one.report.match
    missing = amounts.count(len(match.unmatched))
    st.markdown(
        f"**{amounts.count(match.matched)}** of {amounts.count(len(match.place))} classes have a "
        f"counted name, by its letters, its label or a rename; **{missing}** "
        f"names have none, and {amounts.count(len(match.unused))} counted names fit no class.",
        help="A class without a counted name is absent: it is in no fit, and it is not a zero.",
    )
    if match.repeated:
        names = ", ".join(plain(name) for name in match.repeated[:10])
        st.warning(f"Counted more than once, the first was taken: {names}.")
    _renamed(match)
    if not match.unmatched and not match.unused:
        st.success("Every class has its counted name.", icon=":material/check:")
        return
    if match.unmatched and match.unused:
        _rename(match)
    left, right = st.columns(2, gap="large")
    with left:
        _list("Classes without a count", match.unmatched, "class", "counted names like it")
    with right:
        _list("Counted names without a class", match.unused, "counted", "classes like it")


def _rename(match: NameMatch) -> None:
    """Say that a class and a counted name are the same; it is kept in the address."""
    names = {each.name: each.suggestions for each in match.unmatched}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        old = st.selectbox(
            "The class",
            list(names),
            format_func=lambda each: short(each, 60),
            key="names.class",
            width=300,
        )
        likely = names[old or next(iter(names))]
        others = [each.name for each in match.unused if each.name not in likely]
        new = st.selectbox(
            "is counted as",
            [*likely, *others],
            format_func=lambda each: short(each, 60),
            key=f"names.counted.{old}",
            width=300,
            help="Names that look alike come first.",
        )
        st.button(
            "The same",
            icon=":material/link:",
            key="names.same",
            on_click=_keep,
            args=(old, new),
        )


def _keep(old: str | None, new: str | None) -> None:
    if old and new:
        pairs = dict(frequency_sources.renames()) | {old: new}
        frequency_sources.set_renames(list(pairs.items()))


def _renamed(match: NameMatch) -> None:
    """The names that differ: those that a person said are the same can be taken back."""
    mine = dict(frequency_sources.renames())
    for old, new in match.renamed:
        if mine.get(old) != new:
            continue
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"{plain(old)} is counted as **{plain(new)}**", width="content")
            st.button(
                "Take back",
                icon=":material/link_off:",
                type="tertiary",
                key=f"names.undo.{old}",
                on_click=_undo,
                args=(old,),
            )
    rows = [{"class": old, "counted as": new} for old, new in match.renamed if mine.get(old) != new]
    if rows:
        st.caption(
            f"{amounts.count(len(rows))} names differ and are the same all the same: the dataset "
            "has one label for both, or the authors of the published tables say so."
        )
        st.dataframe(rows[:_LISTED], hide_index=True, height=200, key="names.renamed")


def _undo(old: str) -> None:
    pairs = [pair for pair in frequency_sources.renames() if pair[0] != old]
    frequency_sources.set_renames(pairs)


def _list(heading: str, names: Sequence[Unmatched], column: str, like: str) -> None:
    st.subheader(f"{heading}: {amounts.count(len(names))}")
    if not names:
        st.caption("None.")
        return
    rows = [{column: each.name, like: ", ".join(each.suggestions)} for each in names]
    st.dataframe(rows[:_LISTED], hide_index=True, height=320, key=f"names.{column}.table")
    export.table(lambda: rows, name=f"{column}-without-partner", key=f"names.{column}.export")
