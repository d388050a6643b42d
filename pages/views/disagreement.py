"""Disagreement: what one run says where another says something else; labels are not needed."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts, url
from pages.shared.handle import api
from pages.shared.plain import plain, short
from pages.views import changed, matrix
from pages.views.matrix import Matrix
from workbench.api import Disagreement, ZeroShotRun

__all__ = ["draw"]


def draw(first: ZeroShotRun, second: ZeroShotRun) -> None:
    """Draw the tab."""
    said = api().disagreement(first.key, second.key)
    found = Matrix(
        key=f"disagreement.{first.key}.{second.key}",
        name=f"{first.dataset}-disagreement",
        cells=said.cells.rename_columns({"first": "down", "second": "across"}),
        names=said.names,
        order=tuple(api().run_order(first.key)),
        titles=("before", "after"),
    )
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        matrix.picture(
            matrix.zoomed(found),
            f"Rows are what {plain(first.model)} ({plain(first.head_title)}) says, columns what "
            f"{plain(second.model)} ({plain(second.head_title)}) says of the same images: "
            f"{said.agreement:.1%} of {amounts.noun(said.n, 'image')} lie on the diagonal.",
        )
    cell = matrix.chosen(found)
    with right:
        if cell is None:
            _pairs(found)
        else:
            _images(first, second, said, *cell)
    if cell is not None:
        _pairs(found)


def _pairs(found: Matrix) -> None:
    matrix.pairs(found, "Most frequent disagreements", "Both say the same everywhere.")


def _images(
    first: ZeroShotRun, second: ZeroShotRun, said: Disagreement, one: int, two: int
) -> None:
    """What lies in one cell, and which of the two is right there."""
    names = [plain(short(said.names[place], 30)) for place in (one, two)]
    words = f"{names[0]} by both" if one == two else f"{names[0]} before, {names[1]} after"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(words, width="stretch")
        st.button("Close", icon=":material/close:", on_click=url.write, kwargs={"cell": None})
    rights = next(
        (r for r in said.cells.to_pylist() if (r["first"], r["second"]) == (one, two)), None
    )
    if rights is not None and one != two:
        neither = rights["n"] - rights["first_right"] - rights["second_right"]
        st.caption(
            f"Before is right on {amounts.count(rights['first_right'])}, after on "
            f"{amounts.count(rights['second_right'])}, neither on {amounts.count(neither)}."
        )
    rows = api().answered(first.key, second.key, one, two)
    changed.draw(first, second, rows, name="disagreement")
