"""Robustness: accuracy under a shift against accuracy without it, for every run of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.shared import amounts, export, nav, paging, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain
from pages.views import predicted, zero_shot_runs
from workbench.api import Shifts, ZeroShotRun
from workbench.filters import Filter
from workbench.plots.robustness import robustness

__all__ = ["draw"]

_HELP = (
    "Accuracy under the shift minus the accuracy that a line through the other runs predicts, "
    "fitted in logits (Taori et al., 2020). 0 means as robust as the others."
)


def draw(run: ZeroShotRun, _: ZeroShotRun) -> None:
    """Draw the tab: all runs of the dataset of these two, by the columns of the first."""
    columns = sorted(run.groups, key=lambda name: len(run.groups[name]))
    if not columns:
        st.info("This run was measured by no group column.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        column = addressed("Column", {name: name for name in columns}, param="column")
        by_word = {str(row["value"]): row["value"] for row in run.groups[column]}
        words = {word: word for word in by_word}
        standard = addressed("Without the shift", words, param="standard")
        found = api().shifts(run.dataset, column, by_word[standard])
        shifts = {str(each): str(each) for each in found.shifts}
        shift = addressed("Under the shift", shifts, param="shift")
    left, right = st.columns([1, 1], gap="large")
    with left:
        _picture(found, shift)
    with right:
        _mistakes(found, shift)
    _table(found)


def _picture(found: Shifts, shift: str) -> None:
    """One point a run; a click shows its mistakes under the shift."""
    rows = [row for row in found.rows if str(row.shift) == shift]
    fit = next((fit for value, fit in found.fits.items() if str(value) == shift), None)
    figure = robustness(
        [row.standard for row in rows],
        [row.shifted for row in rows],
        [(row.low, row.high) for row in rows],
        [zero_shot_runs.title(row.run) for row in rows],
        line=None if fit is None else fit.expected,
        titles=(f"top-1, {found.column} {found.standard}", f"top-1, {found.column} {shift}"),
    )

    def clicked(point: Mapping[str, Any] | None) -> None:
        place = point.get("customdata") if point is not None else None
        url.write(judged=rows[int(place[0])].run.key if place else None)

    chart(figure, key="shifted.scatter", on_click=clicked)
    words = "Dotted: no loss under the shift. "
    words += (
        f"Line: all {amounts.noun(fit.n, 'run')}, R² {fit.r2:.2f}, drawn in logits."
        if fit is not None
        else "No line: it needs runs with at least two different accuracies."
    )
    st.caption(words + " Bars: 95% interval (Wilson). Click a run for its mistakes.")
    figure_export(
        figure,
        chart="shifted.scatter",
        name=f"{found.column}-{shift}-robustness",
        rows=_records(found),
    )


def _mistakes(found: Shifts, shift: str) -> None:
    """The mistakes of a run under the shift."""
    rows = [row for row in found.rows if str(row.shift) == shift]
    if not rows:
        st.info("No run was measured on both sides.", icon=":material/info:")
        return
    one = next((row for row in rows if row.run.key == url.read("judged")), rows[0])
    st.subheader(plain(zero_shot_runs.title(one.run)))
    where = (Filter(found.column, "in", (one.shift,)),)
    asked = predicted.Asked(one.run, {"correct": False, "where": where})
    predicted.draw(
        asked, "are mistaken here", key="shifted", part=paging.Part(12, "small"), param="at"
    )
    nav.link("errors", "Errors", icon=":material/search:", run=one.run.key)


def _table(found: Shifts) -> None:
    st.dataframe(
        _records(found),
        hide_index=True,
        column_config={
            **{
                name: st.column_config.NumberColumn(name, format="percent")
                for name in ("without", "under", "low", "high", "expected")
            },
            "effective robustness": st.column_config.NumberColumn(
                "effective robustness", format="percent", help=_HELP
            ),
        },
    )
    models = len({row.run.model for row in found.rows})
    st.caption(
        f"The line that judges a run is drawn through the other runs of this dataset; they come "
        f"from {amounts.noun(models, 'model')}, so it says how these behave, no more."
    )
    export.table(lambda: _records(found), name=f"{found.column}-robustness", key="shifted.table")


def _records(found: Shifts) -> list[dict[str, Any]]:
    return [
        {
            "run": zero_shot_runs.title(row.run),
            found.column: str(row.shift),
            "without": row.standard,
            "under": row.shifted,
            "low": row.low,
            "high": row.high,
            "images": row.n,
            "expected": row.expected,
            "effective robustness": row.effective,
        }
        for row in found.rows
    ]
