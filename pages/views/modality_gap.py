"""Gap: how far images and texts lie apart in the joint space, and what closing it changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast, get_args

import streamlit as st

from pages.shared import amounts, export, item, paging, url
from pages.shared.chart import chart, figure_export
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.shared.server import picture_url
from pages.views import modality_ask, modality_layers
from workbench.api import JOINT, ModalityReport, Moved, Way
from workbench.plots import gap as figures

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_WORDS: Mapping[Way, str] = {
    "image_to_text": "images find their text",
    "text_to_image": "texts find their image",
    "classes": "images find their class",
}
_HELP = {
    "distance": "Norm of the difference between the mean of the images' unit vectors and the mean "
    "of the texts' (Liang et al., 2022); 0 to 2. Interval by resampling pairs; "
    "chance is the 95th percentile with image and text of each pair swapped at random. The "
    "distance says nothing about quality: it follows from the temperature and the start of "
    "training too.",
    "matched": "Mean cosine of an image and its own caption, and of an image and the caption of "
    "another one.",
    "within": "Mean cosine of two different images, and of two different texts: high values are "
    "narrow cones.",
    "spread": "Squared distance between the two clouds once their centroids agree (second term of "
    "the Wasserstein distance of two Gaussians); beside it the same with images and texts swapped.",
    "auroc": "How well the direction between the centroids, taken from half of the pairs, tells "
    "images from texts in the other half; .5 is chance.",
}
_PART = paging.Part(10, "small")


def draw(report: ModalityReport) -> None:
    """Draw the tab."""
    _figures(report)
    modality_layers.positions(report, JOINT, "Where images and texts lie in the joint space")
    st.subheader(
        "Closing the gap",
        help="Images and texts are moved half way towards each other along the difference of "
        "their centroids and made unit length again (Liang et al., 2022, section 4.2).",
    )
    left, right = st.columns([1, 1.1], gap="large")
    with left:
        _sweep(report)
    with right:
        _changed(report)
    _all(report)


def _figures(report: ModalityReport) -> None:
    gap, joint = report.gap, report.cuts[-1]
    interval = f"95%: {gap.low:.3f} to {gap.high:.3f}, by chance up to {gap.null:.3f}"
    with st.container(horizontal=True, gap="large"):
        _metric("Distance", f"{gap.distance:.3f}", interval, "distance")
        auroc = f"by chance up to {joint.null:.3f}"
        _metric("Separability", f"{joint.auroc:.3f}", auroc, "auroc")
        own = f"{gap.across:.3f} with another one"
        _metric("Cosine with own text", f"{gap.matched:.3f}", own, "matched")
        within = f"{gap.within_texts:.3f} of two texts"
        _metric("Cosine of two images", f"{gap.within_images:.3f}", within, "within")
        spread = f"by chance {gap.spread_null:.3f}"
        _metric("Rest of the difference", f"{gap.spread:.3f}", spread, "spread")


def _metric(label: str, value: str, below: str, key: str) -> None:
    st.metric(
        label,
        value,
        below,
        delta_color="off",
        delta_arrow="off",
        help=_HELP[key],
        width="content",
    )


def _chosen(report: ModalityReport) -> tuple[Way, float] | None:
    """What the address says was clicked in the sweep."""
    way, _, place = url.read("move").rpartition("-")
    known = [each for each in get_args(Way) if report.sweep.of(each)]
    if way not in known or not place.isdigit() or int(place) >= len(report.sweep.amounts):
        return None
    return cast(Way, way), report.sweep.amounts[int(place)]


def _sweep(report: ModalityReport) -> None:
    figure = _sweep_figure(report.key, _chosen(report), report)

    def clicked(point: Mapping[str, Any] | None) -> None:
        place = point.get("customdata") if point is not None else None
        url.write(move=f"{place[0]}-{place[1]}" if place else None, moved=None)

    chart(figure, key="gap.sweep", on_click=clicked)
    words = f"Retrieval among the {amounts.noun(report.n, 'pair')}"
    if report.sweep.classes:
        run = api().zero_shot_run(report.sweep.run)
        words += (
            f"; zero-shot on {amounts.noun(report.sweep.classes[0].n, 'image')} of "
            f"{plain(run.dataset)}, whose gap to its classes is {report.sweep.class_distance:.3f}"
        )
    else:
        words += "; the model had no zero-shot run with the mean of prompts to try it in"
    st.caption(words + ". Bars: 95% interval (Wilson). Click a point for what changed.")
    name = f"{report.model}-{report.dataset}-closing-the-gap"
    figure_export(figure, chart="gap.sweep", name=name, rows=_sweep_rows(report))


@st.cache_resource(max_entries=40, show_spinner=False)
def _sweep_figure(key: str, chosen: tuple[Way, float] | None, _report: ModalityReport) -> Figure:
    found = {way: _report.sweep.of(way) for way in get_args(Way) if _report.sweep.of(way)}
    return figures.closing(_report.sweep.amounts, found, chosen)


def _sweep_rows(report: ModalityReport) -> list[dict[str, Any]]:
    return [
        {
            "taken away": amount,
            "distance": report.sweep.distance[place],
            "question": way,
            "right": report.sweep.of(way)[place].value,
            "low": report.sweep.of(way)[place].low,
            "high": report.sweep.of(way)[place].high,
            "n": report.sweep.of(way)[place].n,
        }
        for way in get_args(Way)
        for place, amount in enumerate(report.sweep.amounts)
        if report.sweep.of(way)
    ]


def _changed(report: ModalityReport) -> None:
    """What a move fixes and breaks."""
    chosen = _chosen(report) or ("image_to_text", 1.0)
    way, amount = chosen
    moved = _moved(report.key, amount, way)
    st.markdown(f"**{100 * amount:g}% of the gap taken away: {_WORDS[way]}**")
    if amount == 0:
        st.caption("This is the model as it is. Click another point.")
        return
    sides = {
        f"{amounts.count(len(moved.broken))} broken": moved.broken,
        f"{amounts.count(len(moved.fixed))} fixed": moved.fixed,
    }
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        options = ["broken", "fixed"]
        start = "broken" if moved.broken or not moved.fixed else "fixed"
        shown = st.segmented_control(
            "Show",
            options,
            default=start,
            required=True,
            key="moved",
            bind="query-params",
            format_func=lambda each: next(name for name in sides if name.endswith(each)),
            label_visibility="collapsed",
        )
        st.caption(f"of {amounts.count(moved.n)} that were asked", width="stretch")
        export.table(
            lambda: (
                [{"row": row, "change": "broken"} for row in moved.broken]
                + [{"row": row, "change": "fixed"} for row in moved.fixed]
            ),
            name=f"{moved.dataset}-{way}-{amount:g}",
            key="gap.moved.export",
        )
    _pictures(report, moved, moved.fixed if shown == "fixed" else moved.broken)


@st.cache_data(max_entries=100, show_spinner=False)
def _moved(key: str, amount: float, way: Way) -> Moved:
    return api().modality_moved(key, amount, way)


def _pictures(report: ModalityReport, moved: Moved, rows: tuple[int, ...]) -> None:
    start = min(paging.offset(_PART, key="changed"), max(0, len(rows) - 1))
    start -= start % _PART.per_page
    shown = rows[start : start + _PART.per_page]
    info = api().dataset(moved.dataset)
    said: Mapping[int, str] = (
        {row: f"now {name}" for row, name in moved.names.items()}
        if moved.names
        else api().modality_captions(report.key, shown)
    )
    cells = [
        Cell(row, picture_url(info.name, row, info.created), text=said.get(row, ""))
        for row in shown
    ]
    event = grid(cells, key="gap.moved", size="small", empty="None.")
    if event is not None:
        item.open_item(moved.dataset, event.row, rows)
    paging.pager(len(rows), _PART, key="changed")


def _all(report: ModalityReport) -> None:
    """Every measurement beside this one; a click on a row opens it."""
    reports = api().modality_reports()
    rows = [_row(each) for each in reports]

    def selected() -> None:
        chosen = st.session_state["gap.all"].selection.rows
        if chosen:
            url.write(gap=reports[chosen[0]].key, move=None, bin=None)

    st.subheader("Every measurement")
    st.dataframe(
        rows,
        hide_index=True,
        key="gap.all",
        selection_mode="single-row",
        on_select=selected,
        column_config={
            **{
                name: st.column_config.NumberColumn(name, format="%.3f")
                for name in ("distance", "by chance", "own text", "other text", "separability")
            },
            **{
                name: st.column_config.NumberColumn(name, format="percent")
                for name in ("image → text", "closed", "text → image", "closed ")
            },
        },
    )
    st.caption("Distances of models are comparable only where they embed the same pairs.")
    export.table(lambda: rows, name="modality-gaps", key="gap.all.export")


def _row(report: ModalityReport) -> dict[str, Any]:
    sweep = report.sweep
    still, closed = sweep.amounts.index(0.0), sweep.amounts.index(1.0)
    return {
        "measurement": modality_ask.named(report),
        "tower": "shared" if report.shared else "two",
        "distance": report.gap.distance,
        "by chance": report.gap.null,
        "own text": report.gap.matched,
        "other text": report.gap.across,
        "separability": report.cuts[-1].auroc,
        "image → text": sweep.image_to_text[still].value,
        "closed": sweep.image_to_text[closed].value,
        "text → image": sweep.text_to_image[still].value,
        "closed ": sweep.text_to_image[closed].value,
    }
