"""How the routers of each layer decide: experts in use, entropies, room and confidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.views import experts_sources
from workbench.api import ExpertSums, Recording
from workbench.plots import expert_load
from workbench.plots.expert_load import Line

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_KINDS = {
    "Experts in use": "Effective number of experts of each modality: exp of the entropy of its "
    "shares. Bars: of the choices made. Orange marks: of the routers' average probabilities; far "
    "above the bar where single tokens waver between experts.",
    "Local entropy": "Mean entropy of single tokens in nats: 0 where the router is sure of every "
    "token, ln E where it gives every expert the same. LIMoE's local loss lowers it.",
    "Global entropy": "Entropy of the average probabilities of a modality in nats. LIMoE's global "
    "loss raises it to ln S and then lets go, so that a modality uses S experts or more; where a "
    "model came with its recipe, a line shows the S it was trained for.",
    "Dropped tokens": "Share of choices that found no room at their expert.",
    "Confidence": "Tokens by the probability of their first choice.",
}


def draw(shown: Sequence[Recording], found: Mapping[str, ExpertSums]) -> None:
    """One kind of figure at a time, for all recordings side by side."""
    st.subheader("How the routers decide")
    kind = st.segmented_control(
        "Figure of the routers",
        list(_KINDS),
        default="Experts in use",
        required=True,
        key="routers",
        bind="query-params",
        label_visibility="collapsed",
    )
    name = str(kind or "Experts in use")
    st.caption(_KINDS[name])
    ceiling = _ceiling(name, [found[each.key] for each in shown])
    for column, each in zip(st.columns(len(shown), gap="large"), shown, strict=True):
        with column:
            if len(shown) > 1:
                st.markdown(f"**{experts_sources.named(each)}**")
            figure = _figure(
                each.key,
                each.created,
                name,
                ceiling=ceiling,
                experts=each.experts,
                _found=found[each.key],
                _wanted=tuple(api().thresholds(each.model).items()),
            )
            key = f"routers.{name.split(maxsplit=1)[0].lower()}.{each.key}"
            chart(figure, key=key)
            figure_export(
                figure,
                chart=key,
                name=f"{each.model}-{each.dataset}-{name.lower().replace(' ', '-')}",
                rows=_rows(name, found[each.key]),
            )


def _ceiling(name: str, found: Sequence[ExpertSums]) -> float | None:
    """One end of the axis for all, where nothing else gives it."""
    if name != "Dropped tokens":
        return None
    lost = [value for each in found for value in each.dropped.ravel().tolist()]
    return max([0.05, *(1.15 * value for value in lost if not math.isnan(value))])


@st.cache_resource(max_entries=60, show_spinner=False)
def _figure(
    key: str,
    created: float,
    name: str,
    *,
    ceiling: float | None,
    experts: int,
    _found: ExpertSums,
    _wanted: Sequence[tuple[str, float]],
) -> Figure:
    layers, most = _found.layers, Line(math.log(experts), f"ln {experts}: all alike")
    if name == "Experts in use":
        return expert_load.layer_bars(
            layers,
            _found.shares.effective,
            title="effective experts",
            marks=_found.shares.effective_soft,
            mark_words="of the average probabilities",
            lines=[Line(experts, f"all {experts}")],
        )
    if name == "Local entropy":
        values = _found.entropies.local
        return expert_load.layer_bars(layers, values, title="nats a token", lines=[most])
    if name == "Global entropy":
        lines = [most, *(Line(math.log(s), f"{side}: ln {s:g} wanted") for side, s in _wanted)]
        return expert_load.layer_bars(layers, _found.entropies.soft, title="nats", lines=lines)
    if name == "Dropped tokens":
        return expert_load.layer_bars(
            layers, _found.dropped, title="dropped", percent=True, top=ceiling
        )
    return expert_load.confidence(layers, _found.confidence)


def _rows(name: str, found: ExpertSums) -> list[dict[str, float | int | None]]:
    if name != "Confidence":
        return found.rows()
    bins = found.confidence.shape[2]
    return [
        {
            "block": layer,
            "from": at / bins,
            "to": (at + 1) / bins,
            "image": int(found.confidence[place, 0, at]),
            "text": int(found.confidence[place, 1, at]),
        }
        for place, layer in enumerate(found.layers)
        for at in range(bins)
    ]
