"""Every expert alone: how much it carries, and what switching it off does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from pages.shared import nav, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.views import ablate_ask, ablate_damage
from workbench.api import Ablated, AblationReport, Figure
from workbench.plots import ablation as figures

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as Drawing

__all__ = ["draw"]


def draw(report: AblationReport) -> None:
    """Draw the tab."""
    st.subheader(
        "Load and effect",
        help="Load is not importance: experts with the same share of tokens can differ a "
        "hundredfold in what is lost without them.",
    )
    if not report.singles:
        st.info(
            "In this ablation single experts were not switched off one at a time. That takes one "
            "pass an expert; the passes that were made are kept.",
            icon=":material/scatter_plot:",
        )
        off: dict[int, list[int]] = {}
        for layer, expert in report.off:
            off.setdefault(layer, []).append(expert)
        st.button(
            "Switch every expert off, one at a time",
            key="ablate.every",
            type="primary",
            icon=":material/play_arrow:",
            on_click=ablate_ask.submit,
            args=(report.dataset, report.model, off),
            kwargs={"mode": report.mode, "limit": report.limit, "every": True},
        )
        return
    names = [n for n in ablate_damage.TITLES if getattr(report.before, n) is not None]
    name = st.selectbox(
        "Effect",
        names,
        index=names.index("image_to_text"),
        key="effect",
        bind="query-params",
        format_func=ablate_damage.TITLES.get,
        width=220,
    )
    name = cast(Figure, name if name in names else "image_to_text")
    chosen = _chosen(report)
    figure = _figure(report.key, name, chosen, report)

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        url.write(at=f"{data[0]}.{data[1]}" if data else None)

    chart(figure, key="ablate.singles", on_click=clicked)
    one = 100 / (report.images if name == "top1" else report.pairs)
    grain = "" if name.endswith("shift") else f" One input is {one:.2g} points."
    st.caption(
        "Every expert of every block, off alone. Blue matters to images, vermilion to texts "
        "(causal index), hollow moves next to nothing. The number is the expert's. Click one."
        + grain
    )
    figure_export(
        figure,
        chart="ablate.singles",
        name=f"{report.model}-{report.dataset}-load-and-effect",
        rows=_rows(report),
    )
    if chosen is not None:
        _one(report, chosen)


def _chosen(report: AblationReport) -> tuple[int, int] | None:
    layer, _, expert = url.read("at").partition(".")
    if layer.isdecimal() and expert.isdecimal() and (int(layer), int(expert)) in report.loads:
        return int(layer), int(expert)
    return None


@st.cache_resource(max_entries=60, show_spinner=False)
def _figure(
    key: str, name: Figure, chosen: tuple[int, int] | None, _report: AblationReport
) -> Drawing:
    shares = not name.endswith("shift")
    singles = [
        figures.Single(
            each.layer,
            each.expert,
            each.image_load,
            each.text_load,
            _effect(_report, each, name),
            each.figures.causal_index,
        )
        for each in _report.singles
    ]
    title = ablate_damage.TITLES[name] + (", change in points" if shares else "")
    return figures.load_and_effect(singles, title, shares=shares, chosen=chosen)


def _effect(report: AblationReport, each: Ablated, name: Figure) -> float:
    return float(getattr(each.figures, name)) - float(getattr(report.before, name))


def _rows(report: AblationReport) -> list[dict[str, Any]]:
    found = []
    for each in report.singles:
        index = each.figures.causal_index
        found.append(
            {
                "block": each.layer,
                "expert": each.expert,
                "share_image": each.image_load,
                "share_text": each.text_load,
                **{name: getattr(each.figures, name) for name in ablate_damage.TITLES},
                "causal_index": None if math.isnan(index) else index,
            }
        )
    return found


def _one(report: AblationReport, chosen: tuple[int, int]) -> None:
    """What is known of the expert that was clicked, and the ways on."""
    each = next(each for each in report.singles if (each.layer, each.expert) == chosen)
    layer, expert = chosen
    st.subheader(f"Block {layer}, expert {expert}, off alone")
    with st.container(horizontal=True, gap="large"):
        st.metric("Of image tokens", f"{each.image_load:.1%}", width="content")
        st.metric("Of text tokens", f"{each.text_load:.1%}", width="content")
        for name, title in ablate_damage.TITLES.items():
            if getattr(report.before, name) is not None:
                value = _effect(report, each, name)
                st.metric(title, ablate_damage.said(name, value), width="content")
    with st.container(horizontal=True, gap="small"):
        _open(report, chosen)
        recorded = api().recordings(report.dataset, report.model_key)
        if recorded:
            nav.link(
                "experts",
                "What it serves",
                icon=":material/hub:",
                recording=recorded[0].key,
                tab="An expert",
                layer=str(layer),
                expert=str(expert),
            )


def _open(report: AblationReport, chosen: tuple[int, int]) -> None:
    """A button to the broken images of one expert: its ablation, made now where there is none."""
    known = next(
        (
            one.key
            for one in api().ablations(report.dataset, report.model_key)
            if one.off == (chosen,) and (one.mode, one.limit) == (report.mode, report.limit)
        ),
        None,
    )

    def show() -> None:
        if known is None:
            off = {chosen[0]: [chosen[1]]}
            kinds = {"mode": report.mode, "limit": report.limit}
            ablate_ask.submit(report.dataset, report.model, off, **kinds)
        else:
            url.write(ablation=known, at=None, group=None)
        st.session_state["tab"] = "Damage"

    st.button(
        "Its broken images" if known else "Switch it off to see its broken images",
        key="ablate.one",
        type="primary",
        icon=":material/broken_image:",
        on_click=show,
    )
