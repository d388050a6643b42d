"""Units: which of them answer to images and which to texts, where both pass the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.views import modality_inputs
from pages.views.modality_layers import TWO_TOWERS
from workbench.api import JOINT, LayerUnits, ModalityReport
from workbench.plots import gap as figures

if TYPE_CHECKING:
    import pyarrow as pa
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_HELP = (
    "2 · AUROC − 1 of how strongly the unit fires on texts against images (the mean over tokens of "
    "its activation's positive part; a dimension of the joint space as it is): 1 when every "
    "text excites it more than every image, −1 the other way round, 0 when it cannot tell them "
    "apart. Chance: image and text of each pair swapped at random."
)
_JOINT = (
    "The dimensions of the joint space belong to both modalities in every model, but their axes "
    "are arbitrary: a rotation would change none of the model's answers and all of these numbers."
)


def draw(report: ModalityReport) -> None:
    """Draw the tab."""
    if not report.shared:
        st.info(TWO_TOWERS, icon=":material/call_split:")
    layers = {str(each.layer): each for each in report.units}
    names = {key: _named(each) for key, each in layers.items()}
    found = layers[addressed("Layer", names, param="units")]
    _figures(found)
    table = _table(report.key, found.layer)
    left, right = st.columns([1, 1.1], gap="large")
    with left:
        unit = _chosen(table)
        _pictures(report, found, table, unit)
    with right:
        _unit(report, found, table, unit)


def _named(units: LayerUnits) -> str:
    what = "dimensions" if units.layer == JOINT else "hidden units"
    experts = f" of {units.experts} experts" if units.experts > 1 else ""
    return f"{units.name}: {units.units:,} {what}{experts}"


def _figures(units: LayerUnits) -> None:
    neither = units.units - units.image - units.text
    with st.container(horizontal=True, gap="large"):
        rate = "At a false discovery rate of 5% (Benjamini and Hochberg)."
        for label, number, help_ in (
            ("Answer to images", units.image, rate),
            ("Answer to texts", units.text, rate),
            ("Neither", neither, "Not beyond chance."),
        ):
            share = f"{amounts.count(number)} ({number / units.units:.0%})"
            st.metric(label, share, help=help_, width="content")
        st.metric("Mean |selectivity|", f"{units.mean:.3f}", help=_HELP, width="content")
        st.metric(
            "Largest by chance",
            f"{units.largest_by_chance:.3f}",
            help="95th percentile of the largest absolute selectivity of any unit, with images "
            "and texts swapped at random.",
            width="content",
        )
    if units.layer == JOINT:
        st.caption(_JOINT)
    elif units.experts > 1:
        st.caption(
            "A unit of an expert does not fire for tokens that do not reach the expert, so what "
            "the router does is in its selectivity too."
        )


@st.cache_resource(max_entries=60, show_spinner=False)
def _table(key: str, layer: int) -> pa.Table:
    return api().modality_units(key, layer)


def _chosen(table: pa.Table) -> int:
    """The unit in the address; the most text-selective one when it names none."""
    units = table["unit"].to_pylist()
    now = url.read_int("unit", -1)
    return now if now in units else units[-1]


def _pictures(report: ModalityReport, found: LayerUnits, table: pa.Table, unit: int) -> None:
    histogram = _histogram(report.key, found.layer, found)
    chart(histogram, key="gap.units.histogram")
    curve = _curve(report.key, found.layer, unit, found)

    def clicked(point: Mapping[str, Any] | None) -> None:
        place = point.get("customdata") if point is not None else None
        if place:
            url.write(unit=int(place[0]))

    chart(curve, key="gap.units.curve", on_click=clicked)
    st.caption(
        "Grey: not beyond chance. The band holds the largest selectivity that chance gives. "
        "Click a unit for what excites it."
    )
    with st.container(horizontal=True, gap="small"):
        figure_export(
            curve, chart="gap.units.curve", name=f"{report.model}-units", rows=_few(table)
        )
        export.table(
            lambda: table, name=f"{report.model}-{found.name}-units", key="gap.units.export"
        )


def _few(table: pa.Table) -> list[dict[str, Any]]:
    """The numbers that go into the figure's page; the whole table has an export of its own."""
    rows: list[dict[str, Any]] = table.slice(0, 2000).to_pylist()
    return rows


@st.cache_resource(max_entries=60, show_spinner=False)
def _histogram(key: str, layer: int, _found: LayerUnits) -> Figure:
    return figures.selectivities(_found.histogram, _found.by_chance)


@st.cache_resource(max_entries=60, show_spinner=False)
def _curve(key: str, layer: int, unit: int, _found: LayerUnits) -> Figure:
    table = _table(key, layer)
    notes = [f"expert {e}" for e in table["expert"].to_pylist()] if _found.experts > 1 else []
    return figures.unit_curve(
        table["unit"].to_pylist(),
        table["selectivity"].to_pylist(),
        [q < 0.05 for q in table["q"].to_pylist()],
        notes=notes,
        largest_by_chance=_found.largest_by_chance,
        chosen=unit,
    )


def _unit(report: ModalityReport, found: LayerUnits, table: pa.Table, unit: int) -> None:
    """The inputs that excite a unit most."""
    place = table["unit"].to_pylist().index(unit)
    one = table.slice(place, 1).to_pylist()[0]
    expert = f" of expert {one['expert']}" if found.experts > 1 else ""
    what = "Dimension" if found.layer == JOINT else "Unit"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"{what} {unit}{expert}", width="stretch")
        _step("arrow_back", table, place - 1, "More image-selective")
        _step("arrow_forward", table, place + 1, "More text-selective")
    st.caption(
        f"Selectivity {one['selectivity']:+.3f}, q = {one['q']:.2g}, "
        f"{amounts.noun(report.n, 'pair')}; mean on images "
        f"{one['image_mean']:.3f}, on texts {one['text_mean']:.3f}."
    )
    inputs = api().modality_unit(report.key, found.layer, unit)
    most = max((abs(each.activation) for each in inputs), default=0.0) or 1.0
    sides: tuple[modality_inputs.Side, ...] = ("image", "text")
    for side in sides:
        mine = [each for each in inputs if each.modality == side]
        st.markdown(f"**{side.capitalize()}s that excite it most**")
        modality_inputs.draw(
            report,
            [each.row for each in mine],
            side=side,
            key=f"gap.unit.{side}",
            scores={each.row: f"{each.activation:.2g}" for each in mine},
            shares={each.row: max(0.0, each.activation / most) for each in mine},
            empty="Not kept: the unit is among the least selective of a very wide layer.",
        )


def _step(icon: str, table: pa.Table, place: int, words: str) -> None:
    inside = 0 <= place < table.num_rows
    st.button(
        "",
        icon=f":material/{icon}:",
        key=f"gap.unit.{icon}",
        help=words,
        disabled=not inside,
        on_click=url.write,
        kwargs={"unit": table["unit"][place].as_py() if inside else None},
    )
