"""What the zero-shot runs said of an item, for the item dialog, with the way to why."""

from __future__ import annotations

import streamlit as st

from pages.shared import nav
from pages.shared.handle import api
from pages.shared.plain import plain, short
from workbench.api import PredictionRow, ZeroShotRun

__all__ = ["draw", "explain"]

_RUNS = 5


def explain(run: str, row: int) -> None:
    """Open the explanation of one decision; ends the present run.

    Args:
        run: key of the run.
        row: of the item.
    """
    # On the Errors page itself the tabs would keep what they show; the address decides anew.
    st.session_state.pop("tab", None)
    nav.go("errors", run=run, tab="Why", row=str(row))


def draw(dataset: str, row: int) -> None:
    """Draw the newest runs' predictions of an item; nothing when no run looked at it."""
    runs = api().zero_shot_runs(dataset)[:_RUNS]
    found = [(run, api().prediction_of(run.key, row)) for run in runs]
    shown = [(run, one) for run, one in found if one is not None]
    if not shown:
        return
    st.caption("Zero-shot")
    with st.container(gap="xsmall", key="item.decisions"):
        for run, one in shown:
            _decision(run, one)


def _decision(run: ZeroShotRun, one: PredictionRow) -> None:
    right = one.truth == one.predicted
    colour = "gray" if one.truth < 0 else "green" if right else "orange"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(f"{one.confidence:.0%}", color=colour)
        second = f", then {plain(short(one.names[1], 24))}" if len(one.names) > 1 else ""
        st.markdown(f"**{plain(short(one.predicted_name, 28))}**{second}", width="stretch")
        st.caption(plain(short(f"{run.model} · {run.head_title}", 36)), width="content")
        if st.button("Why", key=f"why.{run.key}", icon=":material/help:", type="tertiary"):
            explain(run.key, one.row)
