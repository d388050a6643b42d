"""The newest zero-shot run's worst mistakes in one strip; a click explains one."""

from __future__ import annotations

import streamlit as st

from pages.shared import decisions, nav
from pages.shared.grid import grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import predicted, zero_shot_runs

__all__ = ["draw"]

_SHOWN = 12


def draw() -> None:
    """Draw the strip; nothing before the first run, or when it made no mistake."""
    runs = api().zero_shot_runs()
    if not runs:
        return
    run = runs[0]
    found = api().predictions(run.key, correct=False, sort=("margin", "asc"), limit=_SHOWN)
    if not found.rows:
        return
    st.subheader("Mistakes", help="Of the newest zero-shot run, those furthest off first.")
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            words = f"{zero_shot_runs.title(run)} on {run.dataset}"
            st.caption(
                f"{plain(words)}: {found.total:,} of {found.of:,} images. Click one to see why.",
                width="stretch",
            )
            nav.link("errors", "All", icon=":material/grid_view:", run=run.key, tab="Gallery")
        event = grid(
            predicted.cells(api().dataset(run.dataset), found.rows, size=96),
            key="overview.mistakes",
            layout="strip",
            size="small",
        )
    if event is not None:
        decisions.explain(run.key, event.row)
