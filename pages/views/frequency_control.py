"""Fixed covariates: what frequency still explains once other properties of classes are fixed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export
from pages.shared.errors import guarded
from pages.shared.plain import plain
from pages.views import frequency_reports
from pages.views.frequency_reports import Shown
from workbench.api import COVARIATES
from workbench.plots.frequency import p_value

if TYPE_CHECKING:
    from workbench.longtail.partial import Partial

__all__ = ["draw"]

_MEANS = {
    "name length": "Words in the name of the class.",
    "nearest name": "Cosine of the class's text with the most similar other class, by the run's "
    "model: classes that are easy to confuse, whatever their frequency.",
    "caption length": "Mean words of the captions that are kept as examples of the class.",
    "confusability": "Cosine of the mean image of the class with the nearest mean image of another "
    "class, by the run's model.",
}
_CAPTIONS = COVARIATES[2]
_OF_RUN = (COVARIATES[1], COVARIATES[3])


def draw(ones: Sequence[Shown]) -> None:
    """Draw the tab."""
    there = _there(ones)
    chosen = st.pills(
        "Hold fixed",
        there,
        default=there,
        selection_mode="multi",
        key="fixed",
        bind="query-params",
        help=" ".join(f"{name}: {_MEANS[name]}" for name in there),
    )
    fixed = [name for name in there if name in (chosen or [])]
    for name in COVARIATES:
        if name not in there:
            st.caption(f"{name}: {_missing(name)}")
    if not fixed:
        st.info("Choose at least one property of the classes to hold fixed.")
        return
    rows: list[dict[str, Any]] = []
    for one in ones:
        with guarded():
            found = frequency_reports.partial(one, fixed)
            _figures(one, found, several=len(ones) > 1)
            rows += _rows(one.title, found)
    _table(rows)


def _there(ones: Sequence[Shown]) -> list[str]:
    """The covariates that all of these sources can give."""
    runs = all(one.run for one in ones)
    counted = all(one.frequency.startswith("count:") for one in ones)
    lacking = {*(() if runs else _OF_RUN), *(() if counted else (_CAPTIONS,))}
    return [name for name in COVARIATES if name not in lacking]


def _missing(name: str) -> str:
    if name in _OF_RUN:
        return "needs runs made here, whose texts and images have vectors."
    return "needs captions counted here."


def _figures(one: Shown, found: Partial, *, several: bool) -> None:
    """Correlation and slope, alone and at fixed covariates."""
    if several:
        st.markdown(f"**{plain(one.title)}**")
    with st.container(horizontal=True, gap="large"):
        _metric("r alone", _number(found.r_alone, "{:.3f}"), "", "Pearson r, per class.")
        _metric(
            "Partial r",
            _number(found.r.value, "{:.3f}"),
            f"({found.r.low:.3f} to {found.r.high:.3f})",
            "Correlation of accuracy and log10 of the count, both with what the covariates "
            f"explain taken out. {p_value(found.p)}.",
        )
        _metric(
            "Points a decade alone",
            _number(found.slope_alone, "{:+.1f}"),
            "",
            "Accuracy points for ten times the frequency, without covariates.",
        )
        _metric(
            "Points a decade, fixed",
            _number(found.slope.value, "{:+.1f}"),
            f"({found.slope.low:+.1f} to {found.slope.high:+.1f})",
            "The same at fixed covariates.",
        )
    words = (
        f"{amounts.count(found.n)} classes; left out: {amounts.count(found.zeros)} with a true 0, "
        f"{amounts.count(found.absent)} without a count, an accuracy or a covariate. "
        f"Partial r: {p_value(found.p)}."
    )
    if found.constant:
        words += f" The same for all classes, so it controls nothing: {', '.join(found.constant)}."
    st.caption(words)


def _metric(label: str, value: str, ends: str, text: str) -> None:
    st.metric(
        label,
        value,
        ends or None,
        delta_color="off",
        delta_arrow="off",
        help=f"{text} In brackets the 95% bootstrap interval over classes." if ends else text,
        width="content",
    )


def _number(value: float, form: str) -> str:
    return "n/a" if math.isnan(value) else form.format(value)


def _rows(title: str, found: Partial) -> list[dict[str, Any]]:
    return [
        {
            "run": title,
            "covariate": name,
            "effect": found.effects[name],
            "with frequency": found.shared[name],
            "classes": found.n,
        }
        for name in found.effects
    ]


def _table(rows: Sequence[dict[str, Any]]) -> None:
    """The covariates themselves: what they do, and what they share with frequency."""
    if not rows:
        return
    st.dataframe(
        list(rows),
        hide_index=True,
        key="frequency.covariates",
        column_config={
            "effect": st.column_config.NumberColumn(
                "points per standard deviation",
                format="%+.2f",
                help="Accuracy points for one standard deviation more of the covariate, at fixed "
                "frequency and other covariates.",
            ),
            "with frequency": st.column_config.NumberColumn(
                "r with frequency",
                format="%+.3f",
                help="Correlation with log10 of the count: near 0, holding it fixed changes "
                "little.",
            ),
        },
    )
    export.table(lambda: list(rows), name="covariates", key="frequency.covariates.export")
