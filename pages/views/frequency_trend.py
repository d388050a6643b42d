"""Trend: accuracy against log frequency, class by class and in bins, with both lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.shared import amounts, export, url
from pages.shared.chart import chart, figure_export
from pages.shared.plain import plain
from pages.views import frequency_classes, frequency_reports
from pages.views.frequency_reports import Shown
from workbench.longtail.bins import WHY_BINNING_RAISES_R, ZERO
from workbench.longtail.fit import Fit
from workbench.longtail.needed import CAUTION
from workbench.measures.interval import Measure
from workbench.plots.frequency import p_value

__all__ = ["draw"]


def draw(ones: Sequence[Shown]) -> None:
    """Draw the tab."""
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        _picture(ones)
    with right:
        _behind(ones)
    one = frequency_classes.looked_at(ones)
    _fits(one)
    _needed(one)
    if len(ones) > 1:
        _all_fits(ones)


def _picture(ones: Sequence[Shown]) -> None:
    """The scatter; a click on a point opens its class, on a diamond the classes of the bin."""
    figure, starts = frequency_reports.scatter(ones)
    titles = [one.title for one in ones]

    def clicked(point: Mapping[str, Any] | None) -> None:
        place = point.get("customdata") if point is not None else None
        if not place:
            return
        number, kind, title = int(place[0]), str(place[1]), str(place[2])
        nth = titles.index(title) if title in titles else 0
        if kind == "class":
            frequency_classes.open_class(nth, number - starts[nth])
        else:
            frequency_classes.open_class(nth, None)
            url.write(bin=number)

    chart(figure, key="frequency.scatter", on_click=clicked)
    st.caption(
        "A point is a class, a diamond the mean of the classes in a bin of frequency with its 95% "
        "bootstrap interval. Classes with a true 0 stand left of the dotted line and are in no "
        "fit. Click a point for its images and captions, a diamond for its classes."
    )
    rows = [
        {"run": one.title, **{k: v for k, v in row.items() if k != "index"}}
        for one in ones
        for row in frequency_reports.class_rows(one)
    ]
    figure_export(figure, chart="frequency.scatter", name="frequency-and-accuracy", rows=rows)


def _behind(ones: Sequence[Shown]) -> None:
    """The classes of the bin that is open, or all."""
    one = frequency_classes.looked_at(ones)
    bins = one.report.bins
    chosen = url.read_int("bin", -9)
    if not ZERO <= chosen < len(bins.n):
        frequency_classes.beside(ones, None, "", key="trend")
        return
    rows = frequency_reports.class_rows(one)
    indices = [row["index"] for row in rows if row["bin"] == chosen]
    frequency_classes.beside(ones, indices, _bin_words(one, chosen), key="trend")
    if url.read_int("class", -1) < 0:
        st.button(
            "All classes",
            icon=":material/close:",
            key="trend.bin",
            on_click=url.write,
            kwargs={"bin": None},
        )


def _bin_words(one: Shown, chosen: int) -> str:
    if chosen == ZERO:
        return f"Without {one.unit}"
    low, high = (round(10**edge) for edge in one.report.bins.edges.tolist()[chosen : chosen + 2])
    return f"{low:,} to {high:,} {one.unit}"


def _fits(one: Shown) -> None:
    """Both lines side by side, and why they differ."""
    st.subheader("The log-linear fit", help=WHY_BINNING_RAISES_R)
    sides = st.columns(2, gap="medium")
    for side, fit in zip(sides, (one.report.fit, one.report.binned), strict=True):
        with side, st.container(border=True):
            _fit(fit)
    st.caption(WHY_BINNING_RAISES_R)


def _fit(fit: Fit) -> None:
    classes = fit.over == "classes"
    st.markdown(
        "**Per class**: every class is a point" if classes else "**Binned**: every bin is a point"
    )
    with st.container(horizontal=True, gap="large"):
        _metric("Pearson r", fit.r, "{:.3f}", "Correlation of accuracy with log10 of the count.")
        _metric(
            "Points a decade",
            fit.slope,
            "{:+.1f}",
            "Slope of the line: accuracy points for ten times the frequency.",
        )
        st.metric(
            "Spearman ρ",
            _written(fit.rho, "{:.3f}"),
            p_value(fit.rho_p),
            delta_color="off",
            delta_arrow="off",
            help="Correlation of the ranks: it asks for no straight line.",
            width="content",
        )
    noun = "class" if classes else "bin"
    points = f"{amounts.count(fit.n)} {noun if fit.n == 1 else noun + ('es' if classes else 's')}"
    st.caption(
        f"{points}; r: {p_value(fit.p)}. Not in the fit: {amounts.count(fit.zeros)} with a true 0, "
        f"{amounts.count(fit.absent)} without a count or an accuracy. In brackets the 95% "
        "interval, by drawing classes again."
    )


def _metric(label: str, measure: Measure, form: str, text: str) -> None:
    ends = f"({_written(measure.low, form)} to {_written(measure.high, form)})"
    st.metric(
        label,
        _written(measure.value, form),
        ends,
        delta_color="off",
        delta_arrow="off",
        help=f"{text} Below it the 95% bootstrap interval over classes.",
        width="content",
    )


def _written(value: float, form: str) -> str:
    return "n/a" if math.isnan(value) else form.format(value)


def _needed(one: Shown) -> None:
    """How much more data the lines ask for."""
    st.subheader("How much more data", help=CAUTION)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        gain = st.number_input(
            "To gain accuracy points",
            min_value=1.0,
            max_value=90.0,
            value=10.0,
            step=1.0,
            key="gain",
            bind="query-params",
            width=180,
        )
        for label, found in zip(
            ("by the classes", "by the bins"), one.report.times_more(float(gain)), strict=True
        ):
            st.metric(
                f"Times as many {one.unit}, {label}",
                _times(found.value),
                f"{_times(found.low)} to {_times(found.high)}",
                delta_color="off",
                delta_arrow="off",
                help="10 to the power of gain by slope, with the interval of the slope.",
                width="content",
            )
    st.caption(CAUTION)


def _times(value: float) -> str:
    if math.isnan(value):
        return "n/a"
    if math.isinf(value) or value >= 1e15:
        return "no amount" if math.isinf(value) else f"{value:.0e}×"
    return f"{value:,.2f}×" if value < 100 else f"{value:,.0f}×"


def _all_fits(ones: Sequence[Shown]) -> None:
    """Every line of every run, as a table."""
    rows = [_record(one.title, fit) for one in ones for fit in (one.report.fit, one.report.binned)]
    st.dataframe(rows, hide_index=True, key="frequency.fits", column_config=_formats())
    st.caption(f"Frequencies: {plain(ones[0].report.frequency.label)}.")
    export.table(lambda: rows, name="log-linear-fits", key="frequency.fits.export")


def _record(title: str, fit: Fit) -> dict[str, Any]:
    return {
        "run": title,
        "over": fit.over,
        "r": fit.r.value,
        "r low": fit.r.low,
        "r high": fit.r.high,
        "p": fit.p,
        "slope": fit.slope.value,
        "slope low": fit.slope.low,
        "slope high": fit.slope.high,
        "rho": fit.rho,
        "rho p": fit.rho_p,
        "n": fit.n,
        "zeros": fit.zeros,
        "absent": fit.absent,
    }


def _formats() -> dict[str, Any]:
    forms = dict.fromkeys(("r", "r low", "r high", "rho"), "%.3f")
    forms |= dict.fromkeys(("slope", "slope low", "slope high"), "%+.1f")
    forms |= dict.fromkeys(("p", "rho p"), "%.2g")
    return {name: st.column_config.NumberColumn(name, format=form) for name, form in forms.items()}
