"""Confusion: which classes are taken for which; a click on a cell shows its images."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts, paging, url
from pages.shared.handle import api
from pages.shared.plain import plain, short
from pages.views import matrix, predicted, zero_shot_runs
from pages.views.matrix import Matrix
from workbench.api import ZeroShotRun

__all__ = ["draw"]

_WORDS = "Each row is a true class and adds up to 100% of what is shown; the diagonal is right."


def draw(run: ZeroShotRun) -> None:
    """Draw the tab."""
    whole = Matrix(
        key=f"confusion.{run.key}",
        name=f"{run.dataset}-{run.model}-confusion",
        cells=api().run_confusion(run.key).rename_columns({"truth": "down", "predicted": "across"}),
        names=zero_shot_runs.class_names(run.key),
        order=tuple(api().run_order(run.key)),
        titles=("true class", "predicted class"),
    )
    left, right = st.columns([1.25, 1], gap="large")
    cell = matrix.chosen(whole)
    with left:
        matrix.picture(matrix.zoomed(whole), _WORDS)
    with right:
        if cell is None:
            _pairs(whole)
        else:
            _images(run, whole, *cell)
    if cell is not None:
        _pairs(whole)


def _pairs(found: Matrix) -> None:
    matrix.pairs(found, "Most confused pairs", "Nothing is taken for anything else.")


def _images(run: ZeroShotRun, found: Matrix, truth: int, guess: int) -> None:
    """What lies in one cell."""
    is_, as_ = short(found.names[truth], 30), short(found.names[guess], 30)
    words = f"{plain(is_)}, found" if truth == guess else f"{plain(is_)} taken for {plain(as_)}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(words, width="stretch")
        st.button("Close", icon=":material/close:", on_click=url.write, kwargs={"cell": None})
    asked = predicted.Asked(run, {"truth": truth, "predicted": guess})
    predicted.draw(asked, "lie here", key="cell", part=paging.Part(12, "small"), param="at")
    back = matrix.count(found, guess, truth) if truth != guess else 0
    if back:
        st.button(
            f"The other way round: {amounts.noun(back, 'image')}",
            icon=":material/swap_horiz:",
            on_click=matrix.look_at,
            args=(guess, truth),
        )
