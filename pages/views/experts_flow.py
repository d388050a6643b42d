"""The way of tokens through the layers, experts chosen together, and images with their captions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, item, url
from pages.shared.chart import chart, figure_export
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.server import picture_url
from pages.views import experts_sources
from pages.views.experts_overview import sums
from workbench.api import ExpertPaths, ExpertSums, Recording
from workbench.plots import flow
from workbench.plots.expert_matrix import together

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_SIDES = ("image", "text")
_MOST = (12, 24, 48, 96)


def draw(recording: Recording) -> None:
    """Draw the tab."""
    paths = _paths(recording.key, recording.created)
    _streams(recording, paths, sums(recording))
    _agreement(recording, paths)
    _together(recording, paths)


@st.cache_resource(max_entries=20, show_spinner="Following the tokens")
def _paths(key: str, created: float) -> ExpertPaths:
    return api().expert_paths(key)


def _streams(recording: Recording, paths: ExpertPaths, found: ExpertSums) -> None:
    st.subheader("From expert to expert")
    if len(paths.layers) < 2:
        st.caption("This model has one layer of experts, so there is no way from one to the next.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        most = st.select_slider(
            "Streams drawn one by one, of each modality",
            _MOST,
            value=24,
            key="streams",
            bind="query-params",
            width=300,
        )
        for at, (layer, following) in enumerate(zip(paths.layers, paths.layers[1:], strict=False)):
            jsd, alone = paths.figures.jsd[at].item(), paths.figures.product[at].item()
            st.metric(
                f"Paths {layer} → {following}",
                "n/a" if math.isnan(jsd) else f"{jsd:.2f} bits",
                width="content",
                help="Jensen-Shannon divergence of image and text over all pairs of experts; "
                f"{alone:.2f} bits if the second choice did not depend on the first.",
            )
    streams = flow.streams(paths.layers, paths.flow, most=int(most))
    figure = _figure(recording.key, recording.created, int(most), streams, found)
    chart(figure, key="flow")
    left = flow.rest(streams)
    st.caption(
        "Blue: image tokens, vermilion: text tokens, by their first choice; each modality adds up "
        f"to the same width. Nodes have the colour of their modality index. {left:.1%} of the "
        "tokens go by smaller streams, drawn together as others."
    )
    rows = _rows(streams)
    figure_export(figure, chart="flow", name=f"{recording.model}-flow", rows=rows)
    _table(recording, rows)


@st.cache_resource(max_entries=30, show_spinner=False)
def _figure(
    key: str, created: float, most: int, _streams: Sequence[flow.Stream], _found: ExpertSums
) -> Figure:
    return flow.sankey(_found.layers, _streams, _found.shares.index, _found.order)


def _rows(streams: Sequence[flow.Stream]) -> list[dict[str, Any]]:
    return [
        {
            "modality": _SIDES[each.modality],
            "from block": each.layer,
            "expert": each.source,
            "to block": each.following,
            "next expert": "others" if each.target < 0 else str(each.target),
            "share": each.share,
            "tokens": each.tokens,
        }
        for each in streams
    ]


def _table(recording: Recording, rows: Sequence[Mapping[str, Any]]) -> None:
    """The streams as a table; a row opens the expert that they come from."""

    def selected() -> None:
        picked = st.session_state["flow.table"].selection.rows
        if picked:
            row = rows[picked[0]]
            experts_sources.open_expert(row["from block"], row["expert"], whole=True)

    with st.expander("The streams as a table", icon=":material/table:"):
        st.dataframe(
            rows,
            hide_index=True,
            height=320,
            key="flow.table",
            selection_mode="single-row",
            on_select=selected,
            column_config={
                "share": st.column_config.NumberColumn(
                    "share", format="percent", help="Of the tokens of its modality."
                )
            },
        )
        st.caption("Choose a row to open the expert it comes from.")
        export.table(lambda: list(rows), name=f"{recording.model}-flow", key="flow.export")


def _agreement(recording: Recording, paths: ExpertPaths) -> None:
    said = paths.agreement
    st.subheader(
        "An image and its caption",
        help="Sum over experts of the smaller of the two shares: 0 when an image and its caption "
        "have no expert in common, 1 when both spread over experts alike.",
    )
    if not len(said.rows):
        st.caption("No item was recorded with both its image and its caption.")
        return
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        figure = flow.agreement_bars(paths.layers, said.mean.tolist(), said.shuffled.tolist())

        def clicked(point: Mapping[str, Any] | None) -> None:
            data = point.get("customdata") if point is not None else None
            if data:
                url.write(layer=int(data[0]))

        chart(figure, key="agreement", on_click=clicked)
        worst = max(said.p.tolist())
        st.caption(
            f"{amounts.noun(len(said.rows), 'pair')}; captions shuffled 200 times"
            + (f", p up to {worst:.2g}." if not math.isnan(worst) else ".")
            + " Only the lead over other captions says that routing follows what is shown."
        )
        rows = [
            {
                "block": layer,
                "own caption": said.mean[at].item(),
                "other captions": said.shuffled[at].item(),
                "95% of shuffles below": said.high[at].item(),
                "p": said.p[at].item(),
            }
            for at, layer in enumerate(paths.layers)
        ]
        figure_export(figure, chart="agreement", name=f"{recording.model}-agreement", rows=rows)
    with right:
        _pairs(recording, paths)


def _pairs(recording: Recording, paths: ExpertPaths) -> None:
    """Items whose image and caption agree most or least."""
    layer = url.read_int("layer", paths.layers[-1])
    layer = layer if layer in paths.layers else paths.layers[-1]
    kind = st.segmented_control(
        "Items",
        ["most alike", "least alike"],
        default="most alike",
        required=True,
        key="alike",
        bind="query-params",
        label_visibility="collapsed",
    )
    if all(each.name != recording.dataset for each in api().datasets()):
        st.caption("The dataset was removed, so there are no pictures to show.")
        return
    found = paths.pairs(paths.layers.index(layer), most=12, alike=kind == "most alike")
    info = api().dataset(recording.dataset)
    cells = [
        Cell(
            row=row,
            url=picture_url(info.name, row, info.created),
            text=_caption(info.name, row),
            score=f"{value:.2f}",
        )
        for row, value in found
    ]
    st.caption(f"Agreement in block {layer}")
    event = grid(cells, key="agreement.grid", size="small")
    if event is not None:
        item.open_item(info.name, event.row, [row for row, _ in found])


@st.cache_data(max_entries=500, show_spinner=False)
def _caption(dataset: str, row: int) -> str:
    captions = api().item(dataset, row).captions
    return captions[0] if captions else ""


def _together(recording: Recording, paths: ExpertPaths) -> None:
    st.subheader("Chosen together")
    if recording.top_k < 2:
        st.caption("Each token goes to one expert, so no two experts are ever chosen together.")
        return
    with st.container(horizontal=True, gap="small"):
        layer = int(
            addressed("Block", {str(each): str(each) for each in paths.layers}, param="block")
        )
        side = st.segmented_control(
            "Tokens", _SIDES, default="image", required=True, key="of_side", bind="query-params"
        )
    place, modality = paths.layers.index(layer), _SIDES.index(side or "image")
    counts, chosen = paths.together[place, modality], paths.chosen[place, :, modality]
    figure = together(counts, chosen)

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        if data:
            experts_sources.open_expert(layer, int(data[0]), whole=True)

    chart(figure, key="together", on_click=clicked)
    rows = [
        {"block": layer, "modality": side, "expert": a, "with": b, "tokens": int(counts[a][b])}
        for a in range(recording.experts)
        for b in range(recording.experts)
        if a != b and counts[a][b]
    ]
    figure_export(figure, chart="together", name=f"{recording.model}-together", rows=rows)
