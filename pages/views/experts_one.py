"""One expert: its figures, its patches as a wall, its words, and where its tokens lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, nav
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.views import experts_classes, experts_patches, experts_sources, experts_words
from pages.views.experts_overview import sums
from workbench.api import ExpertSpread, ExpertSums, Recording
from workbench.plots import expert_load
from workbench.plots.expert_matrix import expert_matrix

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_SIDE = 1 / 3
"""A modality index beyond this counts as an expert of one side: it takes twice the share."""


def draw(recording: Recording) -> None:
    """Draw the tab."""
    found = sums(recording)
    layer, expert = experts_sources.chosen_expert(recording) or _first(found)
    _matrix(recording, found, layer, expert)
    _head(recording, found, layer, expert)
    index = found.shares.index[found.at(layer)][expert].item()
    left, right = st.columns([1.25, 1], gap="large")
    patches, words = (right, left) if index > 0 else (left, right)
    with patches:
        st.subheader("Patches it is surest of")
        # The wall of an expert of texts is not what it is for: fewer, beside the words.
        experts_patches.wall(recording, layer, expert, per_page=16 if index > 0 else 40)
    with words:
        experts_words.draw(recording, layer, expert)
    experts_classes.draw(recording, layer, expert)
    _places(recording, layer, expert)


def _first(found: ExpertSums) -> tuple[int, int]:
    """The expert that parts image and text most in the last layer."""
    bits = found.shares.contribution[-1].tolist()
    return found.layers[-1], max(
        range(len(bits)), key=lambda e: -1.0 if math.isnan(bits[e]) else bits[e]
    )


def _matrix(recording: Recording, found: ExpertSums, layer: int, expert: int) -> None:
    figure = _drawn(recording.key, recording.created, layer, expert, found)

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        if data:
            experts_sources.open_expert(int(data[0]), int(data[1]))

    chart(figure, key="matrix", on_click=clicked)
    st.caption(
        "Every expert: blue takes a larger share of image tokens, vermilion of text tokens; the "
        "area is its share of all tokens, a cross is dead. Click one."
    )
    figure_export(
        figure,
        chart="matrix",
        name=f"{recording.model}-{recording.dataset}-experts",
        rows=found.expert_rows(),
    )


@st.cache_resource(max_entries=60, show_spinner=False)
def _drawn(key: str, created: float, layer: int, expert: int, _found: ExpertSums) -> Figure:
    said = _found.shares
    return expert_matrix(
        _found.layers, said.index, said.load, _found.order, dead=said.dead, chosen=(layer, expert)
    )


def _head(recording: Recording, found: ExpertSums, layer: int, expert: int) -> None:
    row = next(
        each for each in found.expert_rows() if each["block"] == layer and each["expert"] == expert
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"Block {layer}, expert {expert}", width="content")
        _badge(row)
        st.space("stretch")
        _without(recording, layer, expert)
        _steps(found, layer, expert)
    with st.container(horizontal=True, gap="large"):
        for side in ("image", "text"):
            st.metric(
                f"Of {side} tokens",
                _share(row[f"share_{side}"]),
                width="content",
                help=f"Share of the {side} tokens of this block that chose the expert; 95% "
                f"interval {_share(row[f'share_{side}_low'])} to "
                f"{_share(row[f'share_{side}_high'])} over items drawn again.",
            )
        st.metric(
            "Of all tokens",
            _share(row["load"]),
            width="content",
            help=f"An even load would be {1 / recording.experts:.1%}.",
        )
        index = row["modality_index"]
        st.metric(
            "Modality index",
            "n/a" if index is None else f"{index:+.2f}",
            width="content",
            help="(q_text − q_image) / (q_text + q_image) of the two shares: −1 image tokens only, "
            "0 the same share of both, +1 text tokens only.",
        )
        bits = row["jsd_bits"]
        st.metric(
            "Of the divergence",
            "n/a" if bits is None else f"{bits:.3f} bits",
            width="content",
            help="What this expert adds to the Jensen-Shannon divergence of its block.",
        )
        lost = [row[f"dropped_{side}"] for side in ("image", "text")]
        st.metric(
            "No room: image, text",
            ", ".join(_share(each) for each in lost),
            width="content",
            help="Share of the tokens that chose it and found it full.",
        )


def _without(recording: Recording, layer: int, expert: int) -> None:
    """A way to what breaks without this expert, where the model is one whose experts obey."""
    known = any(each.key == recording.model_key for each in api().models())
    if known and api().mixtures(recording.model_key) is not None:
        nav.link(
            "ablate",
            "Switch it off",
            icon=":material/power_settings_new:",
            switch=f"{layer}.{expert}",
            model=recording.model,
        )


def _badge(row: Mapping[str, Any]) -> None:
    index = row["modality_index"]
    if row["dead"] or index is None:
        st.badge("dead", icon=":material/close:", color="gray")
    elif index <= -_SIDE:
        st.badge("image expert", icon=":material/image:", color="blue")
    elif index >= _SIDE:
        st.badge("text expert", icon=":material/notes:", color="orange")
    else:
        st.badge("mixed", icon=":material/join:", color="gray")


def _share(value: Any) -> str:
    return "n/a" if value is None else f"{value:.1%}"


def _steps(found: ExpertSums, layer: int, expert: int) -> None:
    """Buttons to the neighbours, from experts of images to those of texts, layer by layer."""
    order = [
        (each, int(e))
        for each, row in zip(found.layers, found.order.tolist(), strict=True)
        for e in row
    ]
    at = order.index((layer, expert))
    for label, icon, to in (
        ("Previous", ":material/chevron_left:", at - 1),
        ("Next", ":material/chevron_right:", at + 1),
    ):
        there = order[to] if 0 <= to < len(order) else None
        st.button(
            label,
            icon=icon,
            key=f"one.{label}",
            disabled=there is None,
            on_click=experts_sources.open_expert,
            args=there or (layer, expert),
        )


@st.cache_resource(max_entries=50, show_spinner=False)
def _spread(key: str, created: float, layer: int, expert: int) -> ExpertSpread:
    return api().distribution(key, layer, expert)


def _places(recording: Recording, layer: int, expert: int) -> None:
    """Where its tokens lie in picture and caption, and with which gates."""
    found = _spread(recording.key, recording.created, layer, expert)
    st.subheader("Where and how surely")
    name = f"{recording.model}-block{layer}-expert{expert}"
    first, second, third = st.columns(3, gap="large")
    with first:
        st.markdown("**In the picture**", help="Share of the patches at each place that chose it.")
        if found.base_patches.sum():
            figure = expert_load.places(found.patches, found.base_patches)
            chart(figure, key="places")
            figure_export(figure, chart="places", name=f"{name}-patches", rows=_patch_rows(found))
        else:
            st.caption("No images were recorded.")
    with second:
        st.markdown("**In the caption**", help="Share of the words at each place that chose it.")
        if found.base_words.sum():
            figure = expert_load.word_places(found.words, found.base_words)
            chart(figure, key="word_places")
            rows = [
                {"place": at + 1, "chosen": chosen, "words": base}
                for at, (chosen, base) in enumerate(
                    zip(found.words.tolist(), found.base_words.tolist(), strict=True)
                )
                if base
            ]
            figure_export(figure, chart="word_places", name=f"{name}-words", rows=rows)
        else:
            st.caption("No texts were recorded.")
    with third:
        total = [amounts.count(each) for each in found.gates.sum(axis=1).tolist()]
        st.markdown(
            "**Gates**",
            help="With which weight its choices enter; the MLP's output is multiplied by it. Of "
            f"{total[0]} image and {total[1]} text tokens.",
        )
        counts = found.gates.reshape(1, *found.gates.shape)
        figure = expert_load.confidence([layer], counts, title="gate", row=230)
        chart(figure, key="gates")
        figure_export(figure, chart="gates", name=f"{name}-gates", rows=_gate_rows(found))


def _patch_rows(found: ExpertSpread) -> list[dict[str, int]]:
    return [
        {"row": row, "column": column, "chosen": chosen, "patches": base}
        for row, (line, bases) in enumerate(
            zip(found.patches.tolist(), found.base_patches.tolist(), strict=True)
        )
        for column, (chosen, base) in enumerate(zip(line, bases, strict=True))
    ]


def _gate_rows(found: ExpertSpread) -> list[dict[str, float]]:
    bins = found.gates.shape[1]
    image, text = found.gates.tolist()
    return [
        {"from": at / bins, "to": (at + 1) / bins, "image": image[at], "text": text[at]}
        for at in range(bins)
    ]
