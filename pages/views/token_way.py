"""The chosen token: its way through the layers, and what else its experts take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, nav, url
from pages.shared.chart import chart, figure_export
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.shared.server import picture_url
from pages.views import token_choice
from pages.views.experts_patches import around
from pages.views.token_choice import At, Looked
from pages.views.token_place import Token, tokens
from workbench.api import InputTokens, Patch, Recording
from workbench.plots.path import Step, token_path

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_PATCHES, _WORDS = 24, 12
_MODALITY = {"image": 0, "text": 1}


def draw(looked: Looked, token: Token) -> None:
    """Draw the way of a token beside what its expert of one block does elsewhere.

    Args:
        looked: the item.
        token: one of its tokens.
    """
    found = tokens(looked.at)
    way = _way(found, token)
    known = [layer for layer, expert in way.items() if expert >= 0]
    if not known:
        st.info("This token passed no expert.", icon=":material/info:")
        return
    left, right = st.columns([1, 1.15], gap="large")
    with left:
        st.subheader(
            f"The way of the {plain(token.named(found))}",
            help="Bars: the router's probability for each expert, the chosen one in full colour. "
            "Dotted: what tokens of this kind get there on average. The line leads from the first "
            "choice in one block to that in the next.",
        )
        _said(found, token, way)
        _figure(looked, found, token)
    now = url.read_int("layer", known[-1])
    layer = now if now in known else known[-1]
    with right:
        _elsewhere(looked.recording, way, known, layer)
    with left:
        _words(looked.recording, layer, way[layer])


def _way(found: InputTokens, token: Token) -> dict[int, int]:
    """First choice by block; -1 where the block did not see the token."""
    side, place = token.of(found), token.place(found)
    if side is None or place is None:
        return {}
    return {layer: int(side.experts[nth, place, 0]) for nth, layer in enumerate(found.layers)}


def _said(found: InputTokens, token: Token, way: Mapping[int, int]) -> None:
    """How many tokens of the same input went the same way."""
    side = token.of(found)
    if side is None:
        return
    mine = [way[layer] for layer in found.layers]
    columns = [side.experts[nth, :, 0].tolist() for nth in range(len(found.layers))]
    same = sum(1 for steps in zip(*columns, strict=True) if list(steps) == mine)
    kind = "patches" if token.side == "image" else "words"
    path = " → ".join(str(expert) if expert >= 0 else "none" for expert in mine)
    st.markdown(
        f"Experts **{path}**. {amounts.count(same)} of {amounts.count(len(side))} {kind} here "
        f"take this way."
    )


def _figure(looked: Looked, found: InputTokens, token: Token) -> None:
    recording = looked.recording
    figure = _drawn(looked.at, token, recording.experts)
    name = f"tokens.way.{recording.key}.{looked.row}.{token.address}"

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        if data:
            url.write(layer=int(data[0]))

    chart(figure, key=name, on_click=clicked)
    figure_export(
        figure,
        chart=name,
        name=f"{looked.name}-{token.address}",
        rows=_rows(found, token, recording.experts),
    )


def _steps(found: InputTokens, token: Token, key: str) -> list[Step]:
    side, place = token.of(found), token.place(found)
    if side is None or place is None:
        return []
    usual = api().usual_routing(key)[:, _MODALITY[token.side]]
    return [
        Step(
            layer,
            [] if side.probs is None else side.probs[nth, place].tolist(),
            side.experts[nth, place].tolist(),
            side.gates[nth, place].tolist(),
            side.kept[nth, place].tolist(),
            usual[nth].tolist(),
        )
        for nth, layer in enumerate(found.layers)
        if side.experts[nth, place, 0] >= 0
    ]


@st.cache_resource(max_entries=60, show_spinner=False)
def _drawn(at: At, token: Token, experts: int) -> Figure:
    return token_path(_steps(tokens(at), token, at[0]), experts)


def _rows(found: InputTokens, token: Token, experts: int) -> list[dict[str, Any]]:
    side, place = token.of(found), token.place(found)
    if side is None or place is None:
        return []
    rows = []
    for nth, layer in enumerate(found.layers):
        chosen = side.experts[nth, place].tolist()
        for expert in range(experts):
            nth_choice = chosen.index(expert) if expert in chosen else None
            rows.append(
                {
                    "block": layer,
                    "expert": expert,
                    "probability": None
                    if side.probs is None
                    else float(side.probs[nth, place, expert]),
                    "choice": None if nth_choice is None else nth_choice + 1,
                    "gate": None
                    if nth_choice is None
                    else float(side.gates[nth, place, nth_choice]),
                    "kept": None if nth_choice is None else bool(side.kept[nth, place, nth_choice]),
                }
            )
    return rows


def _elsewhere(recording: Recording, way: Mapping[int, int], known: list[int], layer: int) -> None:
    """What else the token's expert of one block takes: how much, and which patches."""
    expert = way[layer]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(
            f"What else expert {expert} takes",
            width="stretch",
            help="Patches with the largest gates of the whole recording, at most four of one "
            "image. A click on one goes to its image.",
        )
        if nav.has("experts"):
            nav.link(
                "experts",
                "In Experts",
                icon=":material/hub:",
                recording=recording.key,
                tab="An expert",
                layer=str(layer),
                expert=str(expert),
            )
    if len(known) > 1:
        _pick_layer(known, layer, way)
    _shares(recording, layer, expert)
    _patches(recording, layer, expert)


def _pick_layer(known: list[int], layer: int, way: Mapping[int, int]) -> None:
    key = f"tokens.layer.{layer}.{way[layer]}"

    def changed() -> None:
        if st.session_state[key] is not None:
            url.write(layer=int(st.session_state[key]))

    st.segmented_control(
        "Block",
        known,
        default=layer,
        required=True,
        key=key,
        format_func=lambda each: f"block {each}: expert {way[each]}",
        on_change=changed,
        label_visibility="collapsed",
    )


def _shares(recording: Recording, layer: int, expert: int) -> None:
    shares = api().choice_shares(recording.key)[recording.layers.index(layer), :, expert].tolist()
    parts = [
        f"**{share:.1%}** of {amounts.count(recording.tokens[name])} {name} tokens"
        for name, share in zip(("image", "text"), shares, strict=True)
        if recording.tokens.get(name)
    ]
    st.markdown(f"It takes {' and '.join(parts)} in block {layer}.")


def _patches(recording: Recording, layer: int, expert: int) -> None:
    found = api().top_patches(recording.key, layer, expert, n=_PATCHES)
    if not found:
        st.caption("No patch of any image came to it.")
        return
    info = api().dataset(recording.dataset)
    event = grid(
        [_cell(info.name, info.created, patch) for patch in found],
        key="tokens.patches",
        size="tiny" if recording.grid < 5 else "small",
    )
    if event is not None:
        patch = found[event.index]
        token_choice.go(patch.row, token=Token("image", patch.position).address)
        st.rerun()


def _cell(dataset: str, created: float, patch: Patch) -> Cell:
    """The patch with its neighbours; its frame marks it."""
    return Cell(
        row=patch.row,
        url=picture_url(dataset, patch.row, created, 192),
        score=f"{patch.gate:.2f}",
        part=around(patch.box, 1),
        outline=patch.box,
        hint=f"image {patch.row}, gate {patch.gate:.2f}: look at it",
    )


def _words(recording: Recording, layer: int, expert: int) -> None:
    """Its words, the most frequent first; a click looks for captions with one."""
    found = api().expert_words(recording.key, layer, expert)
    if not found.words:
        st.caption(f"No word of any caption came to expert {expert} of block {layer}.")
        return
    st.markdown(f"**Words that expert {expert} of block {layer} takes**")
    rows = [
        {"word": word, "here": round(n), "share": n / base, "lift": lift}
        for word, n, base, lift in zip(
            found.words, found.n.tolist(), found.base.tolist(), _lifts(found), strict=True
        )
    ]
    shown = rows[:_WORDS]

    def selected() -> None:
        picked = st.session_state["tokens.words"].selection.rows
        if picked:
            st.session_state.pop("find", None)
            url.write(find=shown[picked[0]]["word"].removesuffix("·"))

    st.dataframe(
        shown,
        hide_index=True,
        height="content",
        key="tokens.words",
        column_config={
            "here": st.column_config.NumberColumn(
                "tokens here", format="localized", help="Occurrences that chose this expert."
            ),
            "share": st.column_config.ProgressColumn(
                "of all its occurrences", format="percent", min_value=0, max_value=1
            ),
            "lift": st.column_config.NumberColumn(
                format="%.1f×", help="Its share among this expert's words over that among all."
            ),
        },
        selection_mode="single-row",
        on_select=selected,
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f"{amounts.noun(len(rows), 'word')} in all. Click one for captions with it.",
            width="stretch",
        )
        export.table(
            lambda: rows, name=f"block-{layer}-expert-{expert}-words", key="tokens.words.export"
        )


def _lifts(found: Any) -> list[float]:
    if not found.total or not found.base_total:
        return [0.0] * len(found.words)
    usual = found.total / found.base_total
    return [n / base / usual for n, base in zip(found.n.tolist(), found.base.tolist(), strict=True)]
