"""The modality gap: where images and texts lie, layer by layer, and what closing it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.experts.selectivity import EDGES
from workbench.measures.interval import Measure
from workbench.plots import style

__all__ = ["closing", "layer_cuts", "positions", "selectivities", "unit_curve"]

_SIDES = (("images", style.IMAGE_COLOUR), ("texts", style.TEXT_COLOUR))
_GREY = "#808792"
_MOST_UNITS = 6000
"""Units drawn as points; of more, those that lie evenly in their order."""

_WAYS = {
    "image_to_text": ("image → text, recall@1", style.IMAGE_COLOUR, "circle"),
    "text_to_image": ("text → image, recall@1", style.TEXT_COLOUR, "square"),
    "classes": ("zero-shot, top-1", style.MODEL_COLOURS[0], "diamond"),
}


def positions(
    images: Sequence[float] | NDArray[Any], texts: Sequence[float] | NDArray[Any], *, bins: int = 40
) -> go.Figure:
    """Two histograms over one axis: where images and texts lie along a direction.

    A trace a side; customdata of a bar is [0 for images or 1 for texts, lower edge, upper edge].

    Args:
        images: n positions.
        texts: n positions.
        bins: of both.
    """
    both = np.concatenate([np.asarray(images, float), np.asarray(texts, float)])
    edges = np.histogram_bin_edges(both, bins=bins)
    made = style.figure(height=300, barmode="overlay", showlegend=True, bargap=0.02)
    for place, values in enumerate((images, texts)):
        name, colour = _SIDES[place]
        counts = np.histogram(np.asarray(values, float), bins=edges)[0]
        made.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges),
            name=f"{style.count(len(values))} {name}",
            marker={"color": style.tinted(colour, 0.6), "line": {"width": 0}},
            customdata=[[place, a, b] for a, b in pairwise(edges.tolist())],
            hovertemplate=(
                f"<b>%{{y:,}}</b> {name}<br>"
                "%{customdata[1]:.3f} to %{customdata[2]:.3f}<extra></extra>"
            ),
        )
    made.add_vline(x=0, line={"color": _GREY, "width": 1, "dash": "dot"})
    made.update_xaxes(title_text="position along the direction from images to texts")
    made.update_yaxes(title_text="inputs", nticks=5, rangemode="tozero")
    return made


def closing(
    amounts: Sequence[float],
    measures: Mapping[str, Sequence[Measure]],
    chosen: tuple[str, float] | None = None,
) -> go.Figure:
    """Accuracy as images and texts are moved towards each other.

    A trace a measure; customdata of a point is [name of the measure, place among the amounts].

    Args:
        amounts: S shares of the gap taken away.
        measures: ``image_to_text``, ``text_to_image`` or ``classes`` -> S measures.
        chosen: (measure, amount) of the point to ring.
    """
    made = style.figure(height=330, showlegend=True, hovermode="closest")
    made.add_vline(x=0, line={"color": _GREY, "width": 1, "dash": "dot"})
    made.add_vline(x=1, line={"color": _GREY, "width": 1, "dash": "dot"})
    for name, values in measures.items():
        title, colour, symbol = _WAYS[name]
        rung = [
            3 if chosen is not None and chosen[0] == name and chosen[1] == amount else 0
            for amount in amounts
        ]
        made.add_scatter(
            x=list(amounts),
            y=[each.value for each in values],
            name=title,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 9, "symbol": symbol, "line": {"width": rung, "color": _GREY}},
            error_y={
                "array": [each.high - each.value for each in values],
                "arrayminus": [each.value - each.low for each in values],
                "thickness": 1,
                "width": 2,
                "color": style.tinted(colour, 0.5),
            },
            customdata=[[name, place] for place in range(len(amounts))],
            hovertext=[
                f"<b>{style.share(each.value)}</b> ({style.share(each.low)} to "
                f"{style.share(each.high)}), n = {style.count(each.n)}<br>{title}"
                for each in values
            ],
            hovertemplate="%{hovertext}<br>%{x:.0%} of the gap taken away<extra></extra>",
        )
    made.update_xaxes(
        title_text="share of the gap taken away (0 as it is, 100% closed)", tickformat=".0%"
    )
    made.update_yaxes(title_text="share right", tickformat=".0%", nticks=6)
    return made


def layer_cuts(
    names: Sequence[str],
    layers: Sequence[int],
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    chosen: int | None = None,
) -> go.Figure:
    """Separability by layer, one line a model over the same layers; chance dotted.

    The points of each model carry customdata [number of the layer].

    Args:
        names: L layers in order.
        layers: their numbers.
        series: model -> (L values of AUROC, L upper ends of what chance gives).
        chosen: number of the layer to ring.
    """
    made = style.figure(height=320, showlegend=len(series) > 1, hovermode="closest")
    words = [style.plain(name) for name in names]
    for nth, (model, (values, null)) in enumerate(series.items()):
        colour = style.model_colour(nth)
        name = style.plain(model)
        rung = [3 if layer == chosen and nth == 0 else 0 for layer in layers]
        made.add_scatter(
            x=words, y=list(null), mode="lines", hoverinfo="skip", showlegend=False,
            line={"color": style.tinted(colour, 0.6), "width": 1, "dash": "dot"},
        )  # fmt: skip
        made.add_scatter(
            x=words,
            y=list(values),
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 10, "line": {"width": rung, "color": _GREY}},
            customdata=[[layer] for layer in layers],
            hovertext=[f"by chance up to {each:.3f}" for each in null],
            hovertemplate=f"{name}<br>%{{x}}: <b>%{{y:.3f}}</b><br>%{{hovertext}}<extra></extra>",
        )
    made.update_yaxes(title_text="AUROC, held-out", range=[0.4, 1.03], nticks=7)
    return made


def selectivities(histogram: Sequence[float], by_chance: Sequence[float]) -> go.Figure:
    """How many units have which selectivity, and how many would by chance.

    Customdata of a bar is [lower edge, upper edge].

    Args:
        histogram: 40 counts of units.
        by_chance: 40 expected counts.
    """
    middles = (EDGES[:-1] + EDGES[1:]) / 2
    made = style.figure(height=260, showlegend=True, bargap=0.04)
    made.add_bar(
        x=middles,
        y=list(histogram),
        name="units",
        marker={"color": [_lean(float(middle)) for middle in middles], "line": {"width": 0}},
        customdata=[[a, b] for a, b in pairwise(EDGES.tolist())],
        hovertemplate=(
            "<b>%{y:,}</b> units<br>selectivity %{customdata[0]:.2f} to %{customdata[1]:.2f}"
            "<extra></extra>"
        ),
    )
    made.add_scatter(
        x=middles,
        y=list(by_chance),
        name="by chance",
        mode="lines",
        line={"color": _GREY, "width": 2, "dash": "dot", "shape": "hvh"},
        hovertemplate="%{y:.1f} units by chance<extra></extra>",
    )
    made.update_xaxes(title_text="← images   selectivity   texts →", range=[-1, 1])
    highest = 1.15 * max(1.0, *map(float, histogram))
    made.update_yaxes(title_text="units", range=[0, highest], nticks=5)
    return made


def _lean(value: float) -> str:
    colour = style.IMAGE_COLOUR if value < 0 else style.TEXT_COLOUR
    return style.tinted(colour, 0.35 + 0.65 * abs(value))


def unit_curve(
    units: Sequence[int],
    selectivity: Sequence[float],
    clear: Sequence[bool],
    *,
    notes: Sequence[str] = (),
    largest_by_chance: float = 0.0,
    chosen: int | None = None,
) -> go.Figure:
    """Every unit in the order of its selectivity; a band shows what the largest is by chance.

    The points carry customdata [unit].

    Args:
        units: U numbers, from the most image-selective to the most text-selective.
        selectivity: theirs.
        clear: whether each is beyond chance at a false discovery rate of 5%.
        notes: a word on each, e.g. its expert; may be empty.
        largest_by_chance: half height of the band.
        chosen: the unit to ring.
    """
    made = style.figure(height=320, hovermode="closest")
    made.add_hrect(
        y0=-largest_by_chance, y1=largest_by_chance, line={"width": 0}, layer="below",
        fillcolor=style.tinted(_GREY, 0.18),
    )  # fmt: skip
    drawn = _evenly(len(units))
    if chosen is not None and chosen in units:
        drawn = sorted({*drawn, list(units).index(chosen)})
    made.add_trace(
        go.Scattergl(
            x=[place + 1 for place in drawn],
            y=[selectivity[i] for i in drawn],
            mode="markers",
            marker={
                "size": [13 if units[i] == chosen else 6 for i in drawn],
                "color": [
                    _GREY
                    if not clear[i]
                    else style.IMAGE_COLOUR
                    if selectivity[i] < 0
                    else style.TEXT_COLOUR
                    for i in drawn
                ],
                "line": {"width": [2 if units[i] == chosen else 0 for i in drawn], "color": _GREY},
            },
            customdata=[[units[i]] for i in drawn],
            hovertext=[
                f"unit {units[i]}" + (f", {style.plain(notes[i])}" if notes else "") for i in drawn
            ],
            hovertemplate="%{hovertext}<br>selectivity <b>%{y:.3f}</b><extra></extra>",
        )
    )
    made.update_xaxes(title_text="units in order", tickformat=",")
    made.update_yaxes(title_text="← images   texts →", range=[-1.03, 1.03], nticks=9)
    return made


def _evenly(count: int) -> list[int]:
    """Places of the units that get a point: all, or ``_MOST_UNITS`` spread evenly."""
    if count <= _MOST_UNITS:
        return list(range(count))
    found: list[int] = np.linspace(0, count - 1, _MOST_UNITS).round().astype(int).tolist()
    return found
