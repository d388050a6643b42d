"""Which experts take which modality: for each layer, p(expert | image) beside p(expert | text)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots import style

__all__ = ["MODALITIES", "by_modality", "layer_grid", "load_bars", "modality_bars", "tops"]

MODALITIES = (("image", style.IMAGE_COLOUR), ("text", style.TEXT_COLOUR))
"""Name and colour of modality 0 and 1."""

_GREY = "#808792"
_ROW = 178
"""Pixels a layer."""


def by_modality(shares: NDArray[Any], dead: NDArray[Any] | None = None) -> NDArray[np.int64]:
    """The experts of each layer in the order to draw: those of images first, those of text last.

    Sorted by the modality index (q_text - q_image) / (q_text + q_image); dead experts, whose
    index means nothing, stand at the end.

    Args:
        shares: (L, E, 2), p(expert | modality).
        dead: bool (L, E); those without any share when None.

    Returns:
        int (L, E).
    """
    image, text = shares[..., 0], shares[..., 1]
    both = image + text
    index = np.divide(text - image, both, out=np.zeros_like(both), where=both > 0)
    last = both <= 0 if dead is None else np.asarray(dead)
    return np.argsort(np.where(last, 2.0, index), axis=1, kind="stable")


def tops(*shares: NDArray[Any]) -> float:
    """One upper end of the axis for several figures, so that they can be compared by eye."""
    highest = max((float(np.nanmax(each, initial=0.0)) for each in shares), default=0.0)
    return min(1.0, 1.12 * highest) if highest > 0 else 1.0


def layer_grid(titles: Sequence[str], *, row: int = _ROW, **layout: Any) -> go.Figure:
    """An empty figure with a row for each layer under its title; x axes hold experts in order."""
    rows = len(titles)
    # Pixels between rows and at the ends must not grow with their number.
    height = rows * row + 56
    made = style.figure(height=height, bargap=0.28, bargroupgap=0.06, **layout)
    made.set_subplots(
        rows=rows,
        cols=1,
        subplot_titles=[style.plain(title) for title in titles],
        vertical_spacing=min(0.9 / max(1, rows - 1), 58 / (height - 60)),
    )
    made.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 52, "b": 8},
        legend={"y": 1.0, "yref": "container", "yanchor": "top", "x": 0},
    )
    for title in made.layout.annotations:
        title.update(x=0, xanchor="left", font={"size": 14})
    return made


def modality_bars(
    layers: Sequence[int],
    shares: NDArray[Any],
    *,
    order: NDArray[Any] | None = None,
    dead: NDArray[Any] | None = None,
    titles: Sequence[str] = (),
    top: float | None = None,
) -> go.Figure:
    """For each layer two bars an expert: its share of the image tokens and of the text tokens.

    The bars of one colour add up to 1 in each layer, so the many tokens of images do not drown
    those of text. The dotted line is an even share, 1 / E. Two traces a layer, image then text;
    customdata of a point is [layer, expert, modality].

    Args:
        layers: L block numbers.
        shares: (L, E, 2), p(expert | modality).
        order: int (L, E), the experts as drawn; ``by_modality`` when None.
        dead: bool (L, E), experts marked as dead.
        titles: L titles; the block numbers when empty.
        top: upper end of the axes; see ``tops``.
    """
    order = by_modality(shares, dead) if order is None else order
    made = layer_grid(list(titles) or [f"Block {layer}" for layer in layers], showlegend=True)
    for place, layer in enumerate(layers):
        for trace in _pair(place, int(layer), shares[place], order[place]):
            made.add_trace(trace, row=place + 1, col=1)
        _experts(made, place, order[place], None if dead is None else dead[place])
        _even(made, place, shares.shape[1])
    made.update_yaxes(tickformat=".0%", range=[0, tops(shares) if top is None else top], nticks=4)
    return made


def _pair(place: int, layer: int, shares: NDArray[Any], order: NDArray[Any]) -> list[go.Bar]:
    """The bars of both modalities in one layer."""
    return [
        go.Bar(
            x=list(range(len(order))),
            y=shares[order, modality].tolist(),
            name=f"share of {name} tokens",
            legendgroup=name,
            showlegend=place == 0,
            marker={"color": colour, "line": {"width": 0}},
            customdata=[[layer, int(expert), modality] for expert in order],
            hovertext=[
                f"block {layer}, <b>expert {expert}</b><br>"
                f"<b>{style.share(float(shares[expert, modality]))}</b> of {name} tokens"
                for expert in order
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
        for modality, (name, colour) in enumerate(MODALITIES)
    ]


def _experts(made: go.Figure, place: int, order: NDArray[Any], dead: NDArray[Any] | None) -> None:
    """Numbers of the experts below their bars; every so many when there are too many."""
    step = -(-len(order) // 40)
    ticks = list(range(0, len(order), step))
    texts = [
        f"{order[at]} ✕" if dead is not None and dead[order[at]] else str(order[at]) for at in ticks
    ]
    made.update_xaxes(
        row=place + 1, col=1, tickmode="array", tickvals=ticks, ticktext=texts, tickangle=0
    )


def _even(made: go.Figure, place: int, experts: int) -> None:
    made.add_hline(
        y=1 / experts, row=place + 1, col=1, line={"dash": "dot", "width": 1, "color": _GREY}
    )


def load_bars(
    layers: Sequence[int],
    tokens: NDArray[Any],
    kept: NDArray[Any],
    *,
    order: NDArray[Any] | None = None,
    room: float | None = None,
    titles: Sequence[str] = (),
) -> go.Figure:
    """For each layer one bar an expert: its share of all tokens, image and text on one another.

    Tokens that found no room are hatched on top in the colour of their modality. The dotted line
    is an even load, the dashed one the room an expert has. Up to four traces a layer (image and
    text kept, then dropped); customdata of a point is [layer, expert, modality].

    Args:
        layers: L block numbers.
        tokens: (L, E, 2), tokens that chose each expert.
        kept: (L, E, 2), those of them that found room.
        order: int (L, E), the experts as drawn; by number when None.
        room: share of the tokens that an expert can take (capacity factor / E); None: all.
        titles: L titles; the block numbers when empty.
    """
    count = tokens.shape[1]
    order = np.tile(np.arange(count), (len(layers), 1)) if order is None else order
    made = layer_grid(
        list(titles) or [f"Block {layer}" for layer in layers], showlegend=True, barmode="stack"
    )
    dropped = tokens - kept
    for place, layer in enumerate(layers):
        total = float(tokens[place].sum()) or 1.0
        for lost, part in ((False, kept), (True, dropped)):
            for modality in range(2):
                if not lost or dropped.sum() > 0:
                    values = part[place, order[place], modality] / total
                    made.add_trace(
                        _stack(place, int(layer), order[place], values, modality, lost=lost),
                        row=place + 1,
                        col=1,
                    )
        _experts(made, place, order[place], None)
        _even(made, place, count)
        if room is not None and room < 1:
            made.add_hline(
                y=room, row=place + 1, col=1, line={"dash": "dash", "width": 1, "color": _GREY}
            )
    made.update_yaxes(tickformat=".0%", rangemode="tozero", nticks=4)
    return made


def _stack(
    place: int, layer: int, order: NDArray[Any], values: NDArray[Any], modality: int, *, lost: bool
) -> go.Bar:
    name, colour = MODALITIES[modality]
    words = f"{name} tokens without room" if lost else f"{name} tokens"
    marker: dict[str, Any] = {"color": colour, "line": {"width": 0}}
    if lost:
        marker = {
            "color": "rgba(0,0,0,0)",
            "line": {"width": 1, "color": colour},
            "pattern": {"shape": "/", "size": 6, "fgcolor": colour},
        }
    return go.Bar(
        x=list(range(len(order))),
        y=values.tolist(),
        name=words,
        legendgroup=words,
        showlegend=place == 0,
        marker=marker,
        customdata=[[layer, int(expert), modality] for expert in order],
        hovertext=[
            f"block {layer}, <b>expert {expert}</b><br>{words}: "
            f"<b>{style.share(float(value))}</b> of all tokens"
            for expert, value in zip(order, values, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
