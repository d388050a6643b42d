"""Overview of a mixture: experts by modality, and its layers' figures beside another model's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.views import experts_layers, experts_patches, experts_sources
from workbench.api import ExpertSums, Recording
from workbench.plots import expert_shares
from workbench.plots.expert_load import Spread, specialisation

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw", "sums"]

_HOW = """
**The bars.** For each expert, which share of all *image* tokens (patches) and of all *text* tokens
(words) goes to it: p(expert | modality). Each colour adds up to 100% in a layer. What an expert's
own tokens are made of is not drawn: images have many more tokens than captions, so even an expert
that takes every word would look mostly blue.

**Specialisation** is the Jensen-Shannon divergence between the two colours (Lin, 1991): 0 bits when
images and texts go to the same experts, 1 bit when they share none. The whiskers are 95% bootstrap
intervals over pairs of image and caption; the grey line is what shuffled modalities reach.

The experts stand from those of images to those of texts; their numbers mean nothing across layers
or models. After "Multimodal Contrastive Learning with LIMoE" (Mustafa et al., 2022).
"""


def draw(recording: Recording, other: Recording | None) -> None:
    """Draw the tab."""
    shown = [recording] if other is None else [recording, other]
    found = {each.key: sums(each) for each in shown}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(_headline(shown, found), width="stretch")
        with st.popover("How to read this", icon=":material/help:"):
            st.markdown(_HOW)
    _bars(shown, found)
    _preview(shown)
    _strip(shown, found)
    experts_layers.draw(shown, found)
    _tables(shown, found)


@st.cache_resource(max_entries=20, show_spinner="Summing up the routing")
def _sums(key: str, created: float) -> ExpertSums:
    return api().expert_sums(key)


def sums(recording: Recording) -> ExpertSums:
    """The figures of a recording."""
    return _sums(recording.key, recording.created)


def _headline(shown: Sequence[Recording], found: Mapping[str, ExpertSums]) -> str:
    """In words, how far image and text part in each model."""
    said = []
    for each in shown:
        values = found[each.key].shares.jsd.tolist()
        if found[each.key].both:
            mean = sum(values) / len(values)
            said.append(f"**{experts_sources.named(each)}** {mean:.2f} bits")
    if not said:
        return "One modality alone was recorded: there is nothing to compare."
    return f"How far image and text part, 0 (same experts) to 1 (none in common): {', '.join(said)}"


def _bars(shown: Sequence[Recording], found: Mapping[str, ExpertSums]) -> None:
    kind = st.segmented_control(
        "Bars",
        ["Share of each modality", "Load"],
        default="Share of each modality",
        required=True,
        key="bars",
        bind="query-params",
        label_visibility="collapsed",
        help="Load: which share of all tokens goes to each expert, and what finds no room.",
    )
    top = expert_shares.tops(*(found[each.key].shares.share for each in shown))
    for column, each in zip(st.columns(len(shown), gap="large"), shown, strict=True):
        with column:
            st.subheader(experts_sources.named(each))
            _figures(each, found[each.key])
            key = f"bars.{each.key}"
            if kind == "Load":
                figure = _load(each.key, each.created, found[each.key], each)
            else:
                figure = _shares(each.key, each.created, top, found[each.key])
            chart(figure, key=key, on_click=_door(each))
            figure_export(
                figure,
                chart=key,
                name=f"{each.model}-{each.dataset}-experts",
                rows=found[each.key].expert_rows(),
            )


def _door(of: Recording) -> Any:
    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        if data:
            experts_sources.open_expert(int(data[0]), int(data[1]), of=of.key)

    return clicked


@st.cache_resource(max_entries=20, show_spinner=False)
def _shares(key: str, created: float, top: float, _found: ExpertSums) -> Figure:
    return expert_shares.modality_bars(
        _found.layers,
        _found.shares.share,
        order=_found.order,
        dead=_found.shares.dead,
        titles=_titles(_found),
        top=top,
    )


@st.cache_resource(max_entries=20, show_spinner=False)
def _load(key: str, created: float, _found: ExpertSums, _of: Recording) -> Figure:
    factor = _of.capacity_factor
    return expert_shares.load_bars(
        _found.layers,
        _found.tokens,
        _found.kept,
        order=_found.order,
        room=None if factor is None else factor / _of.experts,
        titles=_titles(_found),
    )


def _titles(found: ExpertSums) -> list[str]:
    values = found.shares.jsd.tolist()
    return [
        f"Block {layer}: {value:.2f} bits apart" if found.both else f"Block {layer}"
        for layer, value in zip(found.layers, values, strict=True)
    ]


def _figures(of: Recording, found: ExpertSums) -> None:
    """Means over layers, and the dead experts."""
    image, text = (_known(found.shares.effective[:, m].tolist()) for m in (0, 1))
    lost = [found.dropped[:, m].tolist() for m in (0, 1)]
    dead = int(found.shares.dead.sum())
    with st.container(horizontal=True, gap="medium"):
        for label, values in (("Experts of images", image), ("Experts of texts", text)):
            st.metric(
                label,
                f"{sum(values) / len(values):.1f}" if values else "n/a",
                width="content",
                help=f"Effective number, of {of.experts}: exp of the entropy of the shares, mean "
                "over layers. An expert that takes all counts 1, two equal ones 2.",
            )
        st.metric(
            "Kept: image, text",
            ", ".join(_kept(each) for each in lost),
            width="content",
            help="Share of tokens that found room at their expert, mean over layers; the others "
            "pass the block by the residual alone.",
        )
        st.metric(
            "Dead experts",
            f"{dead} of {of.experts * len(found.layers)}",
            width="content",
            help="Experts with less than 0.2% of the tokens of their layer.",
        )


def _kept(lost: Sequence[float]) -> str:
    known = _known(lost)
    return f"{1 - sum(known) / len(known):.1%}" if known else "n/a"


def _known(values: Sequence[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


def _preview(shown: Sequence[Recording]) -> None:
    """What the expert that was clicked serves, beside its figures."""
    of = next((each for each in shown if each.key == url.read("of")), shown[0])
    chosen = experts_sources.chosen_expert(of)
    if chosen is None:
        st.caption("Click a bar to see the patches and words of that expert.")
        return
    experts_patches.preview(of, *chosen)


def _strip(shown: Sequence[Recording], found: Mapping[str, ExpertSums]) -> None:
    """Divergence of each layer with its interval, all models in one figure."""
    kept = [each for each in shown if found[each.key].both]
    if not kept:
        return
    st.subheader(
        "Specialisation by layer",
        help="0: images and texts go to the same experts; 1: they share none.",
    )
    kind = st.segmented_control(
        "Figure",
        ["JSD", "NMI"],
        default="JSD",
        required=True,
        key="figure",
        bind="query-params",
        label_visibility="collapsed",
        help="JSD: Jensen-Shannon divergence in bits, which does not depend on how many tokens "
        "each modality has. NMI: mutual information of expert and modality over the entropy of "
        "the modality, at the recorded ratio of tokens.",
    )
    titles = _distinct(kept)
    values = {titles[each.key]: _spread(found[each.key], str(kind)) for each in kept}
    layers = {titles[each.key]: found[each.key].layers for each in kept}
    title = "JSD, bits" if kind == "JSD" else "NMI"
    figure = specialisation(layers, values, title=title)

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        if data:
            url.write(layer=int(data[0]))

    chart(figure, key="specialisation", on_click=clicked)
    if kind == "NMI":
        said = "; ".join(f"{titles[each.key]} {_text_share(found[each.key])}" for each in kept)
        st.caption(f"Share of text among the tokens, on which NMI depends: {said}")
    else:
        pairs = amounts.count(min(found[each.key].intervals.pairs for each in kept))
        st.caption(f"95% intervals over {pairs} items drawn again; grey: shuffled modalities.")
    rows = [{"recording": each.label, **row} for each in kept for row in found[each.key].rows()]
    figure_export(figure, chart="specialisation", name="specialisation", rows=rows)


def _text_share(found: ExpertSums) -> str:
    values = found.shares.text_share.tolist()
    return f"{sum(values) / len(values):.1%}"


def _distinct(shown: Sequence[Recording]) -> dict[str, str]:
    """Names of the recordings: the models, or the whole label where two are of one model."""
    models = [each.model for each in shown]
    return {each.key: each.model if models.count(each.model) == 1 else each.label for each in shown}


def _spread(found: ExpertSums, kind: str) -> Spread:
    if kind == "NMI":
        low, high = (found.intervals.nmi[:, end].tolist() for end in (0, 1))
        return Spread(found.shares.nmi.tolist(), low, high)
    low, high = (found.intervals.jsd[:, end].tolist() for end in (0, 1))
    return Spread(found.shares.jsd.tolist(), low, high, found.null.high.tolist())


def _tables(shown: Sequence[Recording], found: Mapping[str, ExpertSums]) -> None:
    with st.expander("All figures as tables", icon=":material/table:"):
        layers = [
            {"recording": each.label, **row} for each in shown for row in found[each.key].rows()
        ]
        experts = [
            {"recording": each.label, **row}
            for each in shown
            for row in found[each.key].expert_rows()
        ]
        st.dataframe(layers, hide_index=True, height="content")
        export.table(lambda: layers, name="layers", key="layers.export")
        st.dataframe(experts, hide_index=True, height=320)
        export.table(lambda: experts, name="experts", key="experts.export")
