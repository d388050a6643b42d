"""How a model's routers decide: apart or together, surely or not, with room or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots import style
from workbench.plots.expert_shares import MODALITIES, layer_grid

__all__ = ["Line", "Spread", "confidence", "layer_bars", "places", "specialisation", "word_places"]

_GREY = "#808792"


@dataclass(frozen=True)
class Spread:
    """One figure a layer with its interval and what chance alone gives.

    Args:
        value: (L,).
        low: (L,), lower end of the 95% interval.
        high: (L,), upper end.
        null: (L,), upper end of what shuffled labels give; None draws none.
    """

    value: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    null: Sequence[float] | None = None


@dataclass(frozen=True)
class Line:
    """A line across a figure.

    Args:
        at: height.
        words: beside it.
        colour: of the line.
    """

    at: float
    words: str
    colour: str = _GREY


def specialisation(
    layers: Mapping[str, Sequence[int]], values: Mapping[str, Spread], *, title: str
) -> go.Figure:
    """A figure from 0 to 1 for each layer, with its interval, for one or more models.

    One trace a model, one point a layer, customdata [layer]; models with a null add a trace of
    short grey lines before it: what the figure would be if modality meant nothing.

    Args:
        layers: model -> block numbers.
        values: model -> its figures.
        title: of the axis.
    """
    made = style.figure(height=250, showlegend=len(values) > 1)
    count = len(values)
    for nth, (model, found) in enumerate(values.items()):
        blocks = [int(layer) for layer in layers[model]]
        at = [place + 0.16 * (nth - (count - 1) / 2) for place in range(len(blocks))]
        if found.null is not None:
            made.add_scatter(
                x=at,
                y=list(found.null),
                mode="markers",
                showlegend=False,
                marker={"symbol": "line-ew", "size": 22, "line": {"width": 2, "color": _GREY}},
                hovertext=[f"chance alone: up to <b>{value:.3f}</b>" for value in found.null],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        made.add_scatter(
            x=at,
            y=list(found.value),
            mode="markers",
            name=style.plain(model),
            marker={"size": 11, "color": style.model_colour(nth)},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [h - v for h, v in zip(found.high, found.value, strict=True)],
                "arrayminus": [v - low for v, low in zip(found.value, found.low, strict=True)],
                "thickness": 1.5,
                "width": 4,
            },
            customdata=[[block] for block in blocks],
            hovertext=[
                f"{style.plain(model)}, block {block}<br><b>{v:.3f}</b> ({low:.3f} to {high:.3f})"
                for block, v, low, high in zip(
                    blocks, found.value, found.low, found.high, strict=True
                )
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    longest = max((list(each) for each in layers.values()), key=len, default=[])
    _blocks(made, longest)
    made.update_yaxes(title_text=title, range=[-0.02, 1.02])
    return made


def _blocks(made: go.Figure, layers: Sequence[int]) -> None:
    made.update_xaxes(
        tickmode="array",
        tickvals=list(range(len(layers))),
        ticktext=[f"block {layer}" for layer in layers],
        range=[-0.6, len(layers) - 0.4],
    )


def layer_bars(
    layers: Sequence[int],
    values: NDArray[Any],
    *,
    title: str,
    marks: NDArray[Any] | None = None,
    mark_words: str = "",
    lines: Sequence[Line] = (),
    percent: bool = False,
    top: float | None = None,
) -> go.Figure:
    """A figure of each modality in each layer, as two bars a layer; a second figure as marks.

    Traces: image bars, text bars, then (with ``marks``) image marks, text marks; one point a
    layer, customdata [layer, modality].

    Args:
        layers: L block numbers.
        values: (L, 2).
        title: of the axis.
        marks: (L, 2), drawn as short lines over the bars.
        mark_words: what the marks are, for the legend.
        lines: across the figure, e.g. the largest value there can be.
        percent: the figures are shares.
        top: upper end of the axis.
    """
    made = style.figure(height=250, showlegend=True, bargap=0.35, bargroupgap=0.08)
    for modality, (name, colour) in enumerate(MODALITIES):
        said = [_shown(float(v), percent=percent) for v in values[:, modality]]
        made.add_bar(
            x=list(range(len(layers))),
            y=[_known(v) for v in values[:, modality]],
            name=name,
            offsetgroup=name,
            marker={"color": style.tinted(colour, 0.85), "line": {"width": 0}},
            customdata=[[int(layer), modality] for layer in layers],
            hovertext=[
                f"block {layer}, {name}<br>{style.plain(title)}: <b>{text}</b>"
                for layer, text in zip(layers, said, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    if marks is not None:
        _marks(made, layers, marks, mark_words, percent=percent)
    for line in lines:
        made.add_hline(
            y=line.at,
            line={"dash": "dot", "width": 1.5, "color": line.colour},
            annotation={
                "text": style.plain(line.words),
                "font": {"size": 11, "color": line.colour},
                "x": 1,
                "xanchor": "right",
                "yanchor": "bottom",
            },
        )
    _blocks(made, layers)
    highest = max(
        [float(np.nanmax(values, initial=0.0)), *(line.at for line in lines)]
        + ([] if marks is None else [float(np.nanmax(marks, initial=0.0))])
    )
    made.update_yaxes(
        title_text=title,
        range=[0, top if top is not None else 1.1 * highest or 1],
        tickformat=".0%" if percent else None,
        nticks=6,
    )
    return made


def _marks(
    made: go.Figure, layers: Sequence[int], marks: NDArray[Any], words: str, *, percent: bool
) -> None:
    """Short lines at the places of the bars."""
    for modality, (name, _) in enumerate(MODALITIES):
        made.add_scatter(
            x=[place + (-0.165, 0.165)[modality] for place in range(len(layers))],
            y=[_known(v) for v in marks[:, modality]],
            mode="markers",
            name=words,
            legendgroup="marks",
            showlegend=modality == 0,
            marker={"symbol": "line-ew", "size": 30, "line": {"width": 3, "color": "#E69F00"}},
            customdata=[[int(layer), modality] for layer in layers],
            hovertext=[
                f"block {layer}, {name}<br>{style.plain(words)}: "
                f"<b>{_shown(float(value), percent=percent)}</b>"
                for layer, value in zip(layers, marks[:, modality], strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _shown(value: float, *, percent: bool) -> str:
    if np.isnan(value):
        return "n/a"
    return style.share(value) if percent else style.number(value)


def confidence(
    layers: Sequence[int],
    counts: NDArray[Any],
    *,
    title: str = "probability of the first choice",
    row: int = 130,
) -> go.Figure:
    """How sure the router is of its first choice: tokens by the largest probability it gives.

    Two steps a layer, image then text, each adding up to 1; bins are of equal width from 0 to 1.

    Args:
        layers: L block numbers.
        counts: (L, 2, B), tokens in each bin.
        title: of the axis.
        row: pixels a layer.
    """
    bins = counts.shape[2]
    made = layer_grid([f"Block {layer}" for layer in layers], row=row, showlegend=True)
    edges = np.linspace(0, 1, bins + 1)
    for place in range(len(layers)):
        for modality, (name, colour) in enumerate(MODALITIES):
            total = float(counts[place, modality].sum()) or 1.0
            made.add_trace(
                go.Scatter(
                    x=edges.tolist(),
                    y=[*(counts[place, modality] / total).tolist(), 0.0],
                    mode="lines",
                    line={"shape": "hv", "width": 2, "color": colour},
                    fill="tozeroy",
                    fillcolor=style.tinted(colour, 0.18),
                    name=name,
                    legendgroup=name,
                    showlegend=place == 0,
                    hovertemplate=f"{name}: %{{y:.1%}} of tokens from %{{x:.2f}}<extra></extra>",
                ),
                row=place + 1,
                col=1,
            )
    made.update_xaxes(range=[0, 1.001], nticks=6)
    made.update_xaxes(title_text=style.plain(title), row=len(layers), col=1, tickformat=".1f")
    made.update_yaxes(tickformat=".0%", rangemode="tozero", nticks=4)
    return made


def word_places(counts: NDArray[Any], base: NDArray[Any]) -> go.Figure:
    """Where in the caption an expert's words stand: its share of the words at each place.

    One bar a place that has words; customdata [place, from 0].

    Args:
        counts: (S,), the expert's tokens at each place.
        base: (S,), all tokens of the layer at each place.
    """
    spots = [at for at, n in enumerate(base.tolist()) if n > 0]
    made = style.figure(height=220, bargap=0.2)
    made.add_bar(
        x=[at + 1 for at in spots],
        y=[float(counts[at] / base[at]) for at in spots],
        marker={"color": style.TEXT_COLOUR, "line": {"width": 0}},
        customdata=[[at] for at in spots],
        hovertext=[
            f"word {at + 1}<br><b>{style.share(float(counts[at] / base[at]))}</b> of "
            f"{style.count(float(base[at]))} words here"
            for at in spots
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.update_xaxes(title_text="place in the caption", nticks=12)
    made.update_yaxes(tickformat=".0%", rangemode="tozero", nticks=5)
    return made


def places(counts: NDArray[Any], base: NDArray[Any]) -> go.Figure:
    """Where in the picture an expert's patches lie: its share of each place's tokens.

    One heatmap, patches as in the picture; customdata of a cell is its position, row by row.

    Args:
        counts: (G, G), the expert's tokens at each patch.
        base: (G, G), all tokens of the layer at each patch.
    """
    shares = np.divide(counts, base, out=np.zeros(counts.shape), where=base > 0)
    rows, columns = shares.shape
    made = style.figure(height=300)
    made.add_heatmap(
        z=shares.tolist(),
        zmin=0,
        colorscale=[[0.0, "rgba(0,114,178,0.04)"], [1.0, style.IMAGE_COLOUR]],
        colorbar={"tickformat": ".0%", "thickness": 10, "outlinewidth": 0},
        customdata=[[row * columns + column for column in range(columns)] for row in range(rows)],
        hovertext=[
            [
                f"row {row + 1}, column {column + 1}<br><b>{style.share(shares[row, column])}</b> "
                f"of the {style.count(base[row, column])} patches here"
                for column in range(columns)
            ]
            for row in range(rows)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        xgap=1,
        ygap=1,
    )
    made.update_xaxes(visible=False, constrain="domain")
    made.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    return made
