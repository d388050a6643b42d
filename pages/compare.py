"""Compare: two zero-shot runs on the same images, where they differ, and how they hold up."""

from __future__ import annotations

import streamlit as st

from pages.shared import nav
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import compared, disagreement, shifted, zero_shot_runs

__all__ = ["draw"]

_TABS = {
    "Changes": compared.draw,
    "Disagreement": disagreement.draw,
    "Robustness": shifted.draw,
}


def draw() -> None:
    """Draw the page."""
    st.title("Compare")
    runs = api().zero_shot_runs()
    if not runs:
        zero_shot_runs.nothing_yet()
        return
    left, right = st.columns(2, gap="small")
    with left:
        first = zero_shot_runs.pick(runs, label="Before")
    others = [run for run in runs if run.dataset == first.dataset and run.key != first.key]
    if not others:
        st.info(
            f"{plain(first.dataset)} has one run only. Evaluate another head, other prompts or "
            "another model on it to compare the two.",
            icon=":material/compare_arrows:",
        )
        nav.link("zero_shot", "Evaluate", icon=":material/target:", dataset=first.dataset)
        return
    with right:
        second = zero_shot_runs.pick(others, param="other", label="After")
    tabs = st.tabs(list(_TABS), key="tab", bind="query-params")
    for tab, view in zip(tabs, _TABS.values(), strict=True):
        if tab.open:
            with tab, guarded():
                view(first, second)
