"""Two runs held against each other: the difference, the classes, and the images that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import changed, zero_shot_runs
from workbench.api import Comparison, ZeroShotRun
from workbench.plots import classes as figures

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_MOST = 100_000


def draw(first: ZeroShotRun, second: ZeroShotRun) -> None:
    """Draw the comparison of a run with a later one."""
    found = api().compare(first.key, second.key)
    _figures(found)
    left, right = st.columns([1, 1.1], gap="large")
    with left:
        _classes(first, second, found)
    with right:
        _images(first, second, found)


def _figures(found: Comparison) -> None:
    gap = found.difference
    with st.container(horizontal=True, gap="large"):
        st.metric(
            "Difference in top-1",
            f"{100 * gap.value:+.2f} points",
            f"95%: {100 * gap.low:+.2f} to {100 * gap.high:+.2f}",
            delta_color="off",
            delta_arrow="off",
            help="After minus before, on the same images; interval by resampling the pairs.",
            width="content",
        )
        st.metric(
            "McNemar's p",
            f"{found.p:.2g}",
            help="How likely such a lead is when both are equally good.",
            width="content",
        )
        st.metric("Fixed", amounts.count(len(found.fixed)), width="content")
        st.metric("Broken", amounts.count(len(found.broken)), width="content")
        st.metric(
            "Same answer",
            f"{found.agreement:.1%}" if found.agreement == found.agreement else "n/a",
            help=f"Share of images; n/a where the classes differ. Cohen's kappa {found.kappa:.3f}.",
            width="content",
        )
        st.metric("Images", amounts.count(gap.n), width="content")


def _classes(first: ZeroShotRun, second: ZeroShotRun, found: Comparison) -> None:
    """Each class in both runs; a click on a point or row shows its images that changed."""
    table = found.per_class
    if not table.num_rows:
        st.caption("The two runs have different classes.")
        return
    places = table["class"].to_pylist()
    figure = _scatter(first.key, second.key, found, (_short(first), _short(second)))

    def clicked(point: Mapping[str, Any] | None) -> None:
        known = point is not None and "customdata" in point
        _choose(places[int(point["customdata"][0])] if known and point else None)

    def selected() -> None:
        rows = st.session_state["compared.classes"].selection.rows
        _choose(places[rows[0]] if rows else None)

    chart(figure, key="compared.scatter", on_click=clicked)
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(label, format="percent")
        for name, label in (("first", "before"), ("second", "after"), ("difference", "change"))
    }
    st.dataframe(
        table.drop_columns(["class"]),
        hide_index=True,
        height=320,
        key="compared.classes",
        column_config={"name": "class", "n": "images", **columns},
        selection_mode="single-row",
        on_select=selected,
    )
    name = f"{first.dataset}-compared-classes"
    with st.container(horizontal=True, gap="small"):
        figure_export(figure, chart="compared.scatter", name=name, rows=table.to_pylist())
        export.table(lambda: table, name=name, key="compared.export")


@st.cache_resource(max_entries=20, show_spinner=False)
def _scatter(first: str, second: str, _found: Comparison, _titles: tuple[str, str]) -> Figure:
    table = _found.per_class
    values = [
        [float("nan") if value is None else value for value in table[name].to_pylist()]
        for name in ("first", "second")
    ]
    return figures.class_scatter(table["name"].to_pylist(), *values, titles=_titles)


def _short(run: ZeroShotRun) -> str:
    return f"{run.model} · {run.head_title}"


def _choose(place: int | None) -> None:
    st.session_state.pop("page", None)
    url.write(**{"class": place, "page": None})


def _images(first: ZeroShotRun, second: ZeroShotRun, found: Comparison) -> None:
    """The images that only one of the runs got right."""
    sides = {"Broken": found.broken, "Fixed": found.fixed}
    side = st.segmented_control(
        "Images",
        list(sides),
        default="Broken",
        required=True,
        key="side",
        bind="query-params",
        help="Broken: right before and wrong after. Fixed: wrong before and right after.",
    )
    rows = sides[side or "Broken"]
    place = url.read_int("class", -1)
    if place >= 0:
        rows = _of_class(found, rows, place)
        name = zero_shot_runs.class_names(first.key)[place]
        st.button(
            plain(name),
            icon=":material/close:",
            icon_position="right",
            on_click=_choose,
            args=(None,),
            key="compared.class",
        )
    changed.draw(first, second, rows, name=str(side).lower())


def _of_class(found: Comparison, rows: Sequence[int], place: int) -> tuple[int, ...]:
    """Those of the rows whose true class is this one."""
    mine = api().predictions(found.first, truth=place, limit=_MOST).table["row"].to_pylist()
    kept = set(mine)
    return tuple(row for row in rows if row in kept)
