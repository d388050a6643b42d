"""Errors: what a zero-shot run got wrong, class by class, pair by pair, image by image, and why."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts, nav
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import (
    error_classes,
    error_confusion,
    error_gallery,
    error_review,
    why,
    zero_shot_runs,
)
from workbench.api import ZeroShotRun

__all__ = ["draw"]

_TABS = {
    "Classes": error_classes.draw,
    "Confusion": error_confusion.draw,
    "Gallery": error_gallery.draw,
    "Review": error_review.draw,
    "Why": why.draw,
}


def draw() -> None:
    """Draw the page."""
    st.title("Errors")
    runs = api().zero_shot_runs()
    if not runs:
        zero_shot_runs.nothing_yet()
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        run = zero_shot_runs.pick(runs)
        nav.link("compare", "Compare", icon=":material/compare_arrows:", run=run.key)
    _facts(run)
    tabs = st.tabs(list(_TABS), key="tab", bind="query-params")
    for tab, view in zip(tabs, _TABS.values(), strict=True):
        if tab.open:
            with tab, guarded():
                view(run)


def _facts(run: ZeroShotRun) -> None:
    """The run's first figures on one line, with what they rest on."""
    top1 = run.measures.get("top1")
    words = [
        f"{zero_shot_runs.MEASURES[name][0]} {zero_shot_runs.worded(run, name)}"
        for name in ("top1", "mean_per_class", "ece")
        if name in run.measures
    ]
    if top1 is not None:
        words.append(f"{amounts.noun(top1.n, 'image')}, {amounts.count(run.classes)} classes")
    st.caption(" · ".join(words) + ". In brackets the 95% interval.")
    for note in run.notes:
        st.caption(plain(note))
