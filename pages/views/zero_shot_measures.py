"""What zero-shot runs measured: a table of runs, and the chosen one by groups with its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import export, nav, paging, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import held, predicted, zero_shot_runs
from workbench.api import ZeroShotRun
from workbench.filters import Filter
from workbench.plots import classes as figures
from workbench.plots import reliability
from workbench.types import DatasetInfo

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]


def draw(info: DatasetInfo) -> None:
    """Draw the runs on a dataset, newest first, and the chosen one."""
    runs = api().zero_shot_runs(info.name)
    if not runs:
        st.caption("The runs on this dataset appear here, with intervals, groups and mistakes.")
        return
    st.subheader("Runs")
    _table(runs)
    by_key = {run.key: run for run in runs}
    run = by_key.get(url.read("run"), runs[0])
    _chosen(run)
    _groups(run)
    _reliability(run)


def _table(runs: Sequence[ZeroShotRun]) -> None:
    rows = zero_shot_runs.table_rows(runs)

    def selected() -> None:
        places = st.session_state["runs.table"].selection.rows
        url.write(run=runs[places[0]].key if places else None, group=None)

    columns = {
        name: st.column_config.TextColumn(name, help=words)
        for name, words, _ in zero_shot_runs.MEASURES.values()
    }
    st.dataframe(
        rows,
        hide_index=True,
        height="content" if len(rows) < 12 else 420,
        column_config={"model": st.column_config.TextColumn("model", pinned=True), **columns},
        key="runs.table",
        selection_mode="single-row",
        on_select=selected,
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            "In brackets the 95% interval, by resampling the images. Click a row to look into it.",
            width="stretch",
        )
        export.table(lambda: _numbers(runs), name=f"{runs[0].dataset}-zero-shot", key="runs.export")


def _numbers(runs: Sequence[ZeroShotRun]) -> list[dict[str, Any]]:
    """One row a run and measure, every figure in full."""
    return [
        {
            "run": run.key, "dataset": run.dataset, "model": run.model, "head": run.head,
            "prompts": run.prompts_name, "classes": run.classes, "measure": name,
            "value": m.value, "low": m.low, "high": m.high, "images": m.n,
        }
        for run in runs
        for name, m in run.measures.items()
    ]  # fmt: skip


def _chosen(run: ZeroShotRun) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{plain(zero_shot_runs.title(run))}**", width="stretch")
        nav.link("errors", "Its errors", icon=":material/error_med:", run=run.key, tab="Gallery")
        nav.link("compare", "Compare", icon=":material/compare_arrows:", run=run.key)
        export.page_button(
            lambda: api().zero_shot_report(run.key),
            label="Report",
            name=f"{run.dataset}-{run.model}-{run.head}",
            key="run.report",
            help="One HTML file that opens without the app and without a network: figures, "
            "charts, classes and the 60 worst mistakes with their pictures.",
        )
    for note in run.notes:
        st.caption(plain(note))
    if not run.current:
        st.caption("Items were added since: evaluate again to include them.")
    held.draw(run)


def _groups(run: ZeroShotRun) -> None:
    """Accuracy by the values of a column, beside the mistakes of the bar that was clicked."""
    if not run.groups:
        return
    left, right = st.columns([1.1, 1], gap="large")
    with left:
        column = st.selectbox(
            "Top-1 accuracy by", list(run.groups), key="by", bind="query-params", width=220
        )
        column = column if column in run.groups else next(iter(run.groups))
        figure = _bars(run.key, column, run)

        def clicked(point: Mapping[str, Any] | None) -> None:
            st.session_state.pop("at", None)
            url.write(group=str(point["customdata"][1]) if point else None, at=None)

        chart(figure, key=f"groups.{column}", on_click=clicked)
        figure_export(
            figure,
            chart=f"groups.{column}",
            name=f"{run.dataset}-{run.model}-by-{column}",
            rows=[dict(group) for group in run.groups[column]],
        )
    with right:
        _mistakes(run, column)


@st.cache_resource(max_entries=50, show_spinner=False)
def _bars(key: str, column: str, _run: ZeroShotRun) -> Figure:
    return figures.group_bars(
        [
            (zero_shot_runs.title(_run), str(g["value"]), g["top1"], g["low"], g["high"], g["n"])
            for g in _run.groups[column]
        ]
    )


def _mistakes(run: ZeroShotRun, column: str) -> None:
    """The run's mistakes, of the chosen group when one is, the furthest off first."""
    values = {str(group["value"]): group["value"] for group in run.groups[column]}
    chosen = url.read("group")
    conditions: dict[str, Any] = {"correct": False}
    words = "are mistaken"
    if chosen in values:
        conditions["where"] = (Filter(column, "in", (values[chosen],)),)
        words = f"are mistaken and have {plain(column)} {plain(chosen)}"
    asked = predicted.Asked(run, conditions)
    predicted.draw(asked, words, key="group", part=paging.Part(12, "small"), param="at")


def _reliability(run: ZeroShotRun) -> None:
    """How far the confidences can be believed; a click on a bin opens its images."""
    if not run.reliability:
        return
    with st.expander("Calibration", icon=":material/balance:", on_change="rerun") as box:
        if not box.open:
            return
        made = reliability.reliability_diagram(run.reliability)
        rows = [
            {"variant": name, "confidence": c, "accuracy": a, "share": share, "images": n}
            for name, bins in run.reliability.items()
            for c, a, share, n in bins
            if n
        ]

        def clicked(point: Mapping[str, Any] | None) -> None:
            known = point is not None and point.get("customdata")
            url.write(bin="-".join(str(edge) for edge in known[1:3]) if known else None)

        chart(made, key="reliability", on_click=clicked)
        words = "Accuracy in each bin of confidence; on the diagonal confidence can be believed."
        if "scaled" in run.reliability:
            words += (
                f" Scaled: logits divided by the temperature {run.temperature:.2f}, fitted on one "
                "half of the images and drawn for the other."
            )
        st.caption(words)
        figure_export(
            made, chart="reliability", name=f"{run.dataset}-{run.model}-calibration", rows=rows
        )
        _bin(run)


def _bin(run: ZeroShotRun) -> None:
    """The images whose confidence lies in the bin that was clicked."""
    low, _, high = url.read("bin").partition("-")
    try:
        between = (float(low), float(high))
    except ValueError:
        return
    asked = predicted.Asked(run, {"confidence": between}, ("confidence", "desc"))
    words = f"have a confidence of {between[0]:.0%} to {between[1]:.0%}"
    predicted.draw(asked, words, key="bin", part=paging.Part(12, "small"), param="binpage")
