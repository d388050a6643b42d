"""Layers: in which layers of a shared tower a straight cut tells images from texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import modality_inputs
from workbench.api import ModalityReport
from workbench.plots import gap as figures

if TYPE_CHECKING:
    import pyarrow as pa
    from plotly.graph_objects import Figure

__all__ = ["TWO_TOWERS", "draw", "positions"]

TWO_TOWERS = (
    "This model has a tower for images and another for texts, with weights of their own. A state "
    "or a unit of the one is another thing in the other, and any cut tells them apart for that "
    "reason alone: so no separability and no selectivity of its layers is shown, only of the joint "
    "space, where both meet. How alike the two towers arrange the same pairs, layer by layer, is "
    "shown under Alignment."
)
_HELP = (
    "Area under the ROC curve of the difference of means as a classifier: the direction is taken "
    "from one half of the pairs and judged on the other, both ways round. 1 separates fully, .5 is "
    "chance."
)


def draw(report: ModalityReport) -> None:
    """Draw the tab."""
    if not report.shared:
        st.info(TWO_TOWERS, icon=":material/call_split:")
        _table(report)
        return
    st.subheader("Separability by layer", help=_HELP)
    layer = _chosen(report)
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        _picture(report, layer)
    with right:
        _table(report)
    name = next(cut.name for cut in report.cuts if cut.layer == layer)
    positions(report, layer, f"Where images and texts lie: {name}")


def _chosen(report: ModalityReport) -> int:
    known = [cut.layer for cut in report.cuts]
    now = url.read_int("layer", known[0])
    return now if now in known else known[0]


def _picture(report: ModalityReport, layer: int) -> None:
    """One line a model with the same layers; a click on a layer opens it."""
    names = tuple(cut.name for cut in report.cuts)
    alike = [
        each
        for each in api().modality_reports(report.dataset)
        if each.shared and tuple(cut.name for cut in each.cuts) == names
    ]
    newest = {each.model: each for each in reversed(alike)} | {report.model: report}
    shown = [report, *(each for each in newest.values() if each.model != report.model)]
    figure = _figure(tuple(each.key for each in shown), layer, shown)

    def clicked(point: Mapping[str, Any] | None) -> None:
        place = point.get("customdata") if point is not None else None
        if place:
            url.write(layer=int(place[0]), bin=None, at=None)

    chart(figure, key="gap.layers", on_click=clicked)
    st.caption("Dotted: 95th percentile with images and texts swapped at random. Click a layer.")
    rows = [
        {"model": each.model, "layer": cut.name, "auroc": cut.auroc, "by chance": cut.null}
        for each in shown
        for cut in each.cuts
    ]
    name = f"{report.model}-{report.dataset}-separability"
    figure_export(figure, chart="gap.layers", name=name, rows=rows)


@st.cache_resource(max_entries=40, show_spinner=False)
def _figure(keys: tuple[str, ...], layer: int, _shown: list[ModalityReport]) -> Figure:
    return figures.layer_cuts(
        [cut.name for cut in _shown[0].cuts],
        [cut.layer for cut in _shown[0].cuts],
        {
            each.model: ([cut.auroc for cut in each.cuts], [cut.null for cut in each.cuts])
            for each in _shown
        },
        chosen=layer,
    )


def _table(report: ModalityReport) -> None:
    rows = [
        {
            "layer": cut.name,
            "AUROC": cut.auroc,
            "by chance": cut.null,
            "distance": cut.distance,
            "pairs": report.n,
        }
        for cut in report.cuts
    ]
    st.dataframe(
        rows,
        hide_index=True,
        key="gap.cuts",
        column_config={
            "AUROC": st.column_config.NumberColumn("AUROC", format="%.3f", help=_HELP),
            "by chance": st.column_config.NumberColumn("by chance, up to", format="%.3f"),
            "distance": st.column_config.NumberColumn(
                "distance",
                format="%.3f",
                help="Between the centroids of the layer's states made unit length; 0 to 2.",
            ),
        },
    )
    export.table(lambda: rows, name=f"{report.model}-layers", key="gap.cuts.export")


def positions(report: ModalityReport, layer: int, title: str) -> None:
    """Draw where inputs lie along the direction of a layer; a click on a bar opens its inputs."""
    table = _projections(report.key, layer)
    st.subheader(
        plain(title),
        help="Each input is placed along the difference of the two means, taken from the half of "
        "the pairs that it is not in; 0 is the middle between them.",
    )
    left, right = st.columns([1, 1.1], gap="large")
    key = f"gap.positions.{layer}"
    figure = _positions_figure(report.key, layer)

    def clicked(point: Mapping[str, Any] | None) -> None:
        place = point.get("customdata") if point is not None else None
        words = f"{place[0]}_{place[1]:.6g}_{place[2]:.6g}" if place else None
        url.write(bin=words, at=None)

    with left:
        chart(figure, key=key, on_click=clicked)
        st.caption(f"{amounts.noun(report.n, 'pair')}. Click a bar for what lies there.")
        figure_export(figure, chart=key, name=f"{report.model}-positions", rows=table.to_pylist())
    with right:
        _inputs(report, table)


@st.cache_resource(max_entries=60, show_spinner=False)
def _projections(key: str, layer: int) -> pa.Table:
    return api().modality_projections(key, layer)


@st.cache_resource(max_entries=60, show_spinner=False)
def _positions_figure(key: str, layer: int) -> Figure:
    table = _projections(key, layer)
    return figures.positions(table["image"].to_numpy(), table["text"].to_numpy())


def _inputs(report: ModalityReport, table: pa.Table) -> None:
    """The images or texts of the clicked bar; before a click, those that lie furthest across."""
    side, low, high = _bin()
    values = table[side].to_pylist()
    rows = table["row"].to_pylist()
    order = sorted(range(len(rows)), key=lambda place: values[place], reverse=side == "image")
    if low is not None and high is not None:
        order = [place for place in order if low <= values[place] <= high]
        words = f"{amounts.noun(len(order), side)} from {low:.3f} to {high:.3f}"
    else:
        words = "Images that lie furthest on the side of the texts"
    scores = {rows[place]: f"{values[place]:.2f}" for place in order}
    st.markdown(f"**{words}**")
    chosen = [rows[place] for place in order]
    modality_inputs.paged(report, chosen, side=side, key="gap.inputs", scores=scores)


def _bin() -> tuple[modality_inputs.Side, float | None, float | None]:
    parts = url.read("bin").split("_")
    try:
        place, low, high = int(parts[0]), float(parts[1]), float(parts[2])
    except (ValueError, IndexError):
        return "image", None, None
    slack = 1e-5 * max(1.0, abs(low), abs(high))  # the address rounds the edges
    return ("text" if place else "image"), low - slack, high + slack
