"""Calibration: how sure, how right, and wrong in which way, from rare classes to frequent ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, job_panel, paging, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import frequency_classes, frequency_reports, predicted
from pages.views.frequency_reports import Shown
from workbench.filters import Filter
from workbench.measures.error_types import RULES
from workbench.plots.tails import calibration_bars, kind_bars
from workbench.types import JobInfo

if TYPE_CHECKING:
    from workbench.longtail.calibration import Calibration

__all__ = ["draw"]

_REVIEW = "review"


def draw(ones: Sequence[Shown]) -> None:
    """Draw the tab, for one of the runs."""
    one = frequency_classes.looked_at(ones)
    if not one.run:
        st.info(
            "Published accuracies come without confidences: choose a run that was made here.",
            icon=":material/info:",
        )
        return
    found = frequency_reports.calibration(one)
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        _bars(one, found)
        _kinds(one, found)
    with right:
        _images(one, found)
    _table(one, found)


def _bars(one: Shown, found: Calibration) -> None:
    figure = calibration_bars(found, unit=one.unit)
    chart(figure, key="frequency.calibration", on_click=_clicked)
    st.caption(
        "Bars: accuracy of the images whose true class is that frequent, with its 95% interval "
        "(Wilson). Marks: mean confidence; a mark above its bar is overconfidence. Click a bar "
        "for its images."
    )
    rows = _rows(one, found)
    figure_export(figure, chart="frequency.calibration", name="calibration", rows=rows)


def _clicked(point: Mapping[str, Any] | None) -> None:
    place = point.get("customdata") if point is not None else None
    if place:
        st.session_state.pop("at", None)
        kind = int(place[1]) if len(place) > 1 else None
        url.write(row=int(place[0]), kind=kind, at=None)


def _rows(one: Shown, found: Calibration) -> list[dict[str, Any]]:
    """The rows with images, the rarest first."""
    edges = found.edges.tolist()
    columns = {
        "classes": found.classes.tolist(),
        "images": found.n.tolist(),
        "accuracy": found.accuracy.tolist(),
        "low": found.low.tolist(),
        "high": found.high.tolist(),
        "confidence": found.confidence.tolist(),
        "ECE": found.ece.tolist(),
    }
    return [
        {
            one.unit: "0"
            if row == 0
            else f"{10 ** edges[row - 1]:,.0f} to {10 ** edges[row]:,.0f}",
            **{name: values[row] for name, values in columns.items()},
        }
        for row, n in enumerate(columns["images"])
        if n
    ]


def _table(one: Shown, found: Calibration) -> None:
    rows = _rows(one, found)
    shares = ("accuracy", "low", "high", "confidence")
    st.dataframe(
        rows,
        hide_index=True,
        key="frequency.calibration.table",
        column_config={
            **{name: st.column_config.NumberColumn(name, format="percent") for name in shares},
            "ECE": st.column_config.NumberColumn(
                "ECE",
                format="%.3f",
                help="Gap between confidence and accuracy within the row, in 15 bins of "
                "confidence (Guo et al., 2017). It grows when a row has few images, by chance "
                "alone.",
            ),
        },
    )
    if found.absent:
        st.caption(f"{amounts.noun(found.absent, 'image')} are of classes that nobody counted.")
    export.table(lambda: rows, name="calibration", key="frequency.calibration.export")


def _kinds(one: Shown, found: Calibration) -> None:
    """Of what kind the mistakes of each row are, as a review proposed them."""
    st.subheader("Kinds of mistakes", help="Proposed by stated rules; see Errors, Review.")
    kinds = frequency_reports.kinds(one)
    if kinds is None:
        _review(one)
        return
    titles = [rule.title for rule in RULES]
    figure = kind_bars(found.edges.tolist(), kinds, titles, unit=one.unit)
    chart(figure, key="frequency.kinds", on_click=_clicked)
    st.caption(
        "Shares of the mistakes of each range of frequency; the first rule that holds decides. "
        "Click a part for its images."
    )
    rows = [
        {"row": row, **dict(zip(titles, values, strict=True))} for row, values in enumerate(kinds)
    ]
    figure_export(figure, chart="frequency.kinds", name="kinds-by-frequency", rows=rows)


def _review(one: Shown) -> None:
    def ask() -> list[JobInfo]:
        jobs = api().jobs(job_panel.ACTIVE, limit=1000)
        return [j for j in jobs if j.kind == _REVIEW and j.params.get("run") == one.run]

    if ask():
        job_panel.panel(ask, key="frequency.review")
        return
    st.caption("The mistakes of this run have no proposed kinds yet.")
    st.button(
        "Review the mistakes",
        icon=":material/rate_review:",
        key="frequency.review.start",
        on_click=_submit,
        args=(one.run,),
    )


def _submit(run: str) -> None:
    api().submit_review(run)
    api().ensure_worker()


def _images(one: Shown, found: Calibration) -> None:
    """The images of the row that is open: the mistakes, or what a review calls of one kind."""
    sizes = found.n.tolist()
    row = url.read_int("row", -1)
    if not 0 <= row < len(sizes):
        row = next((each for each, n in enumerate(sizes) if n), 0)
    edges = found.edges.tolist()
    words = (
        f"Without {one.unit}"
        if row == 0
        else f"{10 ** edges[row - 1]:,.0f} to {10 ** edges[row]:,.0f} {one.unit}"
    )
    st.subheader(words)
    run = api().zero_shot_run(one.run)
    conditions: dict[str, Any] = {"where": (Filter(run.label, "in", _labels(one, row)),)}
    kind = url.read_int("kind", -1)
    if 0 <= kind < len(RULES):
        conditions["verdict"] = RULES[kind].category
        said = f"are {RULES[kind].title}"
        st.button(
            plain(RULES[kind].title),
            icon=":material/close:",
            icon_position="right",
            key="frequency.kind",
            on_click=url.write,
            kwargs={"kind": None},
        )
    else:
        conditions["correct"], said = _side()
    asked = predicted.Asked(run, conditions)
    predicted.draw(asked, said, key="calibrated", part=paging.Part(12, "small"), param="at")


def _side() -> tuple[bool, str]:
    side = st.segmented_control(
        "Images",
        ["Missed", "Right"],
        default="Missed",
        required=True,
        key="side",
        bind="query-params",
        label_visibility="collapsed",
    )
    return (True, "are right") if side == "Right" else (False, "are taken for another class")


def _labels(one: Shown, row: int) -> tuple[str, ...]:
    """What the images of the row's classes are labelled."""
    table = api().run_classes(one.run)
    labels = table["label"].to_pylist()
    wanted = row - 1
    return tuple(
        str(labels[each["index"]])
        for each in frequency_reports.class_rows(one)
        if each["bin"] == wanted
    )
