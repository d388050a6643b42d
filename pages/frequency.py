"""Frequency and accuracy: how accuracy follows the number of captions that name a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.shared import amounts
from pages.shared.errors import guarded
from pages.shared.plain import plain
from pages.views import (
    frequency_calibration,
    frequency_classes,
    frequency_control,
    frequency_names,
    frequency_published,
    frequency_reports,
    frequency_sources,
    frequency_tails,
    frequency_trend,
)
from pages.views.frequency_reports import Shown

__all__ = ["draw"]

_PUBLISHED = "Published fit"
_TABS: dict[str, Callable[[Sequence[Shown]], None]] = {
    "Trend": frequency_trend.draw,
    "Head and tail": frequency_tails.draw,
    "Fixed covariates": frequency_control.draw,
    "Calibration": frequency_calibration.draw,
    "Names": frequency_names.draw,
}


def draw() -> None:
    """Draw the page."""
    st.title("Frequency and accuracy")
    tabs = st.tabs([*_TABS, _PUBLISHED], key="tab", bind="query-params")
    if tabs[-1].open:
        with tabs[-1], guarded():
            frequency_published.draw()
        return
    for tab, view in zip(tabs, _TABS.values(), strict=False):
        if tab.open:
            with tab, guarded():
                _related(view)


def _related(view: Callable[[Sequence[Shown]], None]) -> None:
    """The two choices, what they give in one line, and the tab's view of it."""
    chosen = frequency_sources.choose()
    if chosen is None:
        return
    ones = frequency_reports.shown(chosen)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _facts(frequency_classes.looked_at(ones))
        frequency_classes.choose(ones)
    view(ones)


def _facts(one: Shown) -> None:
    """Which quantity it is, and how many classes it is not known of."""
    report = one.report
    words = f"Frequency: {plain(report.frequency.label)}"
    words += f" · {amounts.count(report.fit.n)} classes in the fit"
    for number, text in (
        (report.fit.zeros, "with a true 0"),
        (report.fit.absent, "without a count or an accuracy (see the tab Names)"),
    ):
        if number:
            words += f" · {amounts.count(number)} {text}"
    st.caption(f"{words}.", width="stretch")
