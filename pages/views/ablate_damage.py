"""Damage: what the model can no longer do, beside random experts; class by class; the images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.views import ablate_images
from workbench.api import AblationReport, Figure
from workbench.plots import ablation as figures

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as Drawing

__all__ = ["TITLES", "draw", "said"]

TITLES: Mapping[Figure, str] = {
    "top1": "Zero-shot top-1",
    "image_to_text": "Image → text, R@1",
    "text_to_image": "Text → image, R@1",
    "image_shift": "Shift of images",
    "text_shift": "Shift of texts",
}
_HELP: Mapping[Figure, str] = {
    "top1": "Share of the labelled images of the model's zero-shot run that get their class; "
    "prompts are encoded without the experts too.",
    "image_to_text": "Share of images whose own caption scores highest among those of all pairs.",
    "text_to_image": "Share of captions whose own image scores highest among those of all pairs.",
    "image_shift": "How far image vectors move: mean of 1 - cosine before and after.",
    "text_shift": "How far caption vectors move: mean of 1 - cosine before and after.",
}
_MOST = 20
"""Groups drawn as bars; the table in the export has all."""


def draw(report: AblationReport) -> None:
    """Draw the tab."""
    _metrics(report)
    _random(report)
    left, right = st.columns([1, 1.1], gap="large")
    with left:
        _groups(report)
    with right:
        ablate_images.draw(report)


def said(name: Figure, value: float) -> str:
    """A change of a figure in words."""
    if math.isnan(value):
        return "n/a"
    return f"{value:.4f}" if name.endswith("shift") else f"{100 * value:+.1f} points"


def _shown(report: AblationReport) -> list[Figure]:
    return [name for name in TITLES if getattr(report.before, name) is not None]


def _metrics(report: AblationReport) -> None:
    with st.container(horizontal=True, gap="large"):
        for name in _shown(report):
            before, after = getattr(report.before, name), getattr(report.after, name)
            shift = name.endswith("shift")
            st.metric(
                TITLES[name],
                f"{after:.4f}" if shift else f"{after:.1%}",
                None if shift else f"{said(name, report.change(name))}, from {before:.1%}",
                delta_color="off" if shift or after == before else "normal",
                help=_HELP[name],
                width="content",
            )
        index = report.after.causal_index
        st.metric(
            "Causal index",
            "n/a" if math.isnan(index) else f"{index:+.2f}",
            help="(shift of texts − shift of images) / their sum: −1 matters to images only, +1 to "
            "texts only. n/a where both together are below .001.",
            width="content",
        )


def _random(report: AblationReport) -> None:
    """The effect beside that of as many experts drawn at random."""
    if not report.controls:
        st.caption(
            "No random experts were switched off beside them"
            + (": there are no others." if not math.isnan(report.change("image_shift")) else ".")
        )
        return
    st.subheader(
        "Beside random experts",
        help="As many other experts of the same blocks, drawn at random, each draw a ring. An "
        "expert matters more than any when its disc lies beyond the rings.",
    )
    left, right = st.columns(2, gap="large")
    sides = (
        (left, [each for each in _shown(report) if not each.endswith("shift")], True),
        (right, ["image_shift", "text_shift"], False),
    )
    for column, names, shares in sides:
        with column:
            key = f"ablate.random.{'shares' if shares else 'shifts'}"
            figure = _random_figure(report.key, tuple(names), shares, report)
            chart(figure, key=key)
            figure_export(
                figure, chart=key, name=f"{report.model}-random", rows=_random_rows(report)
            )
    st.caption(" · ".join(_beside(report, name) for name in _shown(report)) + ".")


def _beside(report: AblationReport, name: Figure) -> str:
    found = report.beside(name)
    sign = 1 if name.endswith("shift") else -1
    low, high = sorted((sign * found.low, sign * found.high))
    return (
        f"{TITLES[name]}: {said(name, report.change(name))}, random "
        f"{said(name, sign * found.mean)} ({said(name, low)} to {said(name, high)}, "
        f"n = {len(report.controls)})"
    )


def _change(report: AblationReport, control: Any, name: Figure) -> float:
    return float(getattr(control, name)) - float(getattr(report.before, name))


@st.cache_resource(max_entries=60, show_spinner=False)
def _random_figure(
    key: str, names: tuple[Figure, ...], shares: bool, _report: AblationReport
) -> Drawing:
    return figures.beside_random(
        [TITLES[name] for name in names],
        [_report.change(name) for name in names],
        [[_change(_report, each, name) for each in _report.controls] for name in names],
        shares=shares,
    )


def _random_rows(report: AblationReport) -> list[dict[str, Any]]:
    return [
        {
            "switched off": ", ".join(f"{layer}.{expert}" for layer, expert in each.off) or "none",
            "drawn": each in report.controls,
            **{name: getattr(each, name) for name in TITLES},
        }
        for each in (report.before, report.after, *report.controls)
    ]


def _groups(report: AblationReport) -> None:
    """Bars of the classes (or values of a column) that lose most; a click shows their images."""
    st.subheader("Class by class", help="The 20 that lose most.")
    if not report.images:
        st.caption(
            "This needs a zero-shot run of the model with the mean of prompts: evaluate it, then "
            "switch the experts off again."
        )
        return
    columns = ("class", *api().ablation_columns(report.key))
    by = st.selectbox(
        "By",
        columns,
        key="by",
        bind="query-params",
        on_change=lambda: url.write(group=None),
        width=180,
        help="The class, or a column of the images' dataset.",
    )
    by = by if by in columns else "class"
    table = _table(report.key, by)
    rows = table.to_pylist()
    place = url.read_int("group", -1)
    figure = _bars(report.key, by, place)

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        st.session_state.pop("page", None)
        url.write(group=int(data[0]) if data else None, page=None)
        if data:
            st.session_state["lost"] = "class"

    chart(figure, key="ablate.groups", on_click=clicked)
    sure = sum(row["q"] is not None and row["q"] < 0.05 for row in rows)
    st.caption(
        f"{amounts.noun(len(rows), 'group')}; in {amounts.count(sure)} of them the change is "
        "beyond chance (McNemar, q < .05 after Benjamini and Hochberg). Groups of few images "
        "cannot be. Click a bar for its images."
    )
    name = f"{report.model}-damage-by-{by}"
    with st.container(horizontal=True, gap="small"):
        figure_export(figure, chart="ablate.groups", name=name, rows=rows[:_MOST])
        export.table(lambda: table, name=name, key="ablate.groups.export")


@st.cache_resource(max_entries=60, show_spinner=False)
def _table(key: str, by: str) -> Any:
    return api().ablation_damage(key, by)


@st.cache_resource(max_entries=60, show_spinner=False)
def _bars(key: str, by: str, chosen: int) -> Drawing:
    rows = _table(key, by).to_pylist()
    if len(rows) > _MOST:
        rows = [row for row in rows if row["fixed"] or row["broken"]]
    groups = [
        figures.Group(
            place=row["place"],
            name=row["name"],
            n=row["n"],
            before=row["before"],
            after=row["after"],
            fixed=row["fixed"],
            broken=row["broken"],
            q=float("nan") if row["q"] is None else row["q"],
        )
        for row in rows[:_MOST]
    ]
    return figures.group_damage(groups, chosen)
