"""Alignment: how alike both sides of a model arrange the same pairs, layer against layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import modality_inputs
from workbench.api import JOINT, LayerMap, ModalityReport
from workbench.plots import alignment as figures

if TYPE_CHECKING:
    import pyarrow as pa
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_MEASURES = {
    "CKA": (
        "cka",
        "Linear centred kernel alignment (Kornblith et al., 2019) with the unbiased estimator "
        "(Song et al., 2012): 1 when the two arrangements differ only by a rotation and a scale, "
        "0 on average when they have nothing in common.",
    ),
    "Common neighbours": (
        "neighbours",
        "Share of the nearest neighbours that a pair has in common among images and among texts "
        "(mutual k-NN; Huh et al., 2024).",
    ),
    "Retrieval through a linear map": (
        "linked",
        "Recall@1 from texts to images in the half of the pairs that a ridge regression between "
        "the two layers has not seen. Towers need not share a space for this.",
    ),
}
_SHOWN = 8


def draw(report: ModalityReport) -> None:
    """Draw the tab."""
    title = st.segmented_control(
        "Measure",
        list(_MEASURES),
        default="CKA",
        required=True,
        key="measure",
        bind="query-params",
        label_visibility="collapsed",
    )
    name, words = _MEASURES[title or "CKA"]
    cell = _chosen(report)
    left, right = st.columns([1, 1.05], gap="large")
    with left:
        _picture(report, title or "CKA", name, cell)
        st.caption(words + f" {amounts.noun(report.n, 'pair')}.")
    with right:
        _pairs(report, cell)


def _chosen(report: ModalityReport) -> tuple[int, int]:
    """Places of the image and text layer in the address; the joint spaces when it names none."""
    last = len(report.image_layers) - 1, len(report.text_layers) - 1
    parts = url.read("cell").split("-")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        return last
    image, text = int(parts[0]), int(parts[1])
    return (image, text) if image <= last[0] and text <= last[1] else last


def _picture(report: ModalityReport, title: str, name: str, cell: tuple[int, int]) -> None:
    found: LayerMap = getattr(report, name)
    figure = _figure(report.key, name, cell, title, report)

    def clicked(point: Mapping[str, Any] | None) -> None:
        place = point.get("customdata") if point is not None else None
        if place:
            url.write(cell=f"{int(place[0])}-{int(place[1])}", near=None)

    chart(figure, key=f"gap.map.{name}", on_click=clicked)
    figure_export(
        figure,
        chart=f"gap.map.{name}",
        name=f"{report.model}-{report.dataset}-{name}",
        rows=_rows(report, found),
    )


@st.cache_resource(max_entries=60, show_spinner=False)
def _figure(
    key: str, name: str, cell: tuple[int, int], _title: str, _report: ModalityReport
) -> Figure:
    found: LayerMap = getattr(_report, name)
    return figures.layer_map(
        found.values,
        found.null,
        (_report.image_layers, _report.text_layers),
        chance=found.chance,
        unit={"linked": "recall@1", "neighbours": "share"}.get(name, _title),
        chosen=cell,
    )


def _rows(report: ModalityReport, found: LayerMap) -> list[dict[str, Any]]:
    return [
        {
            "image layer": image,
            "text layer": text,
            "value": found.values[i][j],
            "by chance": found.null[i][j] if found.null else found.chance,
        }
        for i, image in enumerate(report.image_layers)
        for j, text in enumerate(report.text_layers)
    ]


def _number(place: int, layers: tuple[str, ...]) -> int:
    return JOINT if place == len(layers) - 1 else place


@st.cache_resource(max_entries=100, show_spinner=False)
def _agreement(key: str, image: int, text: int) -> pa.Table:
    return api().modality_agreement(key, image, text)


def _pairs(report: ModalityReport, cell: tuple[int, int]) -> None:
    """The pairs whose neighbours agree most and least, and the neighbours of one of them."""
    names = report.image_layers[cell[0]], report.text_layers[cell[1]]
    layers = _number(cell[0], report.image_layers), _number(cell[1], report.text_layers)
    table = _agreement(report.key, *layers)
    rows, common = table["row"].to_pylist(), table["common"].to_pylist()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"Images: {plain(names[0])}, texts: {plain(names[1])}", width="stretch")
        export.table(lambda: table, name=f"{report.model}-neighbours", key="gap.pairs.export")
    mean = sum(common) / len(common)
    chance = report.k * report.k / (report.n - 1)
    scores = {row: f"{n} of {report.k}" for row, n in zip(rows, common, strict=True)}
    st.caption(
        f"Of the {report.k} nearest images and the {report.k} nearest texts of a pair, "
        f"{mean:.2f} belong to the same pairs on average, {chance:.2f} by chance. Click a pair "
        "for both."
    )
    shown = {"Most in common": rows[:_SHOWN], "Least in common": rows[: -_SHOWN - 1 : -1]}
    clicked = None
    now = url.read_int("near", rows[0])
    now = now if now in scores else rows[0]
    for words, part in shown.items():
        st.markdown(f"**{words}**")
        clicked = clicked or _strip(report, part, words, scores, now)
    if clicked is not None and clicked != now:
        url.write(near=clicked)
        now = clicked
    _neighbours(report, layers, now)


def _strip(
    report: ModalityReport, rows: list[int], words: str, scores: Mapping[int, str], now: int
) -> int | None:
    key = f"gap.pairs.{words.split(maxsplit=1)[0].lower()}"
    return modality_inputs.draw(
        report, rows, side="image", key=key, scores=scores, opens=False, current=now
    )


def _neighbours(report: ModalityReport, layers: tuple[int, int], row: int) -> None:
    """The nearest images and the nearest texts of one pair, those in both marked."""
    sides = api().modality_neighbours(report.key, *layers, row)
    both = set(sides[0]) & set(sides[1])
    caption = api().modality_captions(report.key, [row]).get(row, "")
    st.markdown(f"**Neighbours of** {plain(caption)}")
    left, right = st.columns(2, gap="small")
    marks = dict.fromkeys(both, "both")
    with left:
        st.caption("by images")
        modality_inputs.draw(report, sides[0], side="image", key="gap.near.image", scores=marks)
    with right:
        st.caption("by texts")
        modality_inputs.draw(report, sides[1], side="text", key="gap.near.text", scores=marks)
