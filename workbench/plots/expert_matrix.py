"""Every expert of a model at once: colour says whose it is, size how much it carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots import style

__all__ = ["MODALITY_SCALE", "expert_matrix", "modality_colour", "together"]

MODALITY_SCALE = (
    (0.0, style.IMAGE_COLOUR),
    (0.5, "#B9BDC4"),
    (1.0, style.TEXT_COLOUR),
)
"""From -1, tokens of images only, over 0, equal shares of both, to 1, tokens of text only."""

_ROW = 62
_LARGEST = 46
"""Pixels across the marker of the expert with the largest load."""


def modality_colour(index: float) -> str:
    """The colour of a modality index in [-1, 1], as the figures mix it; grey for NaN."""
    if np.isnan(index):
        return "#8A8F98"
    place = (min(1.0, max(-1.0, index)) + 1) / 2
    ends = [tuple(int(each[i : i + 2], 16) for i in (1, 3, 5)) for _, each in MODALITY_SCALE]
    first, second, t = (
        (ends[0], ends[1], 2 * place) if place <= 0.5 else (ends[1], ends[2], 2 * place - 1)
    )
    mixed = [round(a + (b - a) * t) for a, b in zip(first, second, strict=True)]
    return "#" + "".join(f"{value:02X}" for value in mixed)


def expert_matrix(
    layers: Sequence[int],
    index: NDArray[Any],
    load: NDArray[Any],
    order: NDArray[Any],
    *,
    dead: NDArray[Any] | None = None,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """A row a layer, a disc an expert: blue takes image tokens, vermilion text, grey both alike.

    The area of a disc is the expert's share of all tokens; a dead one is a cross. One trace,
    points layer by layer in ``order``; customdata [layer, expert].

    Args:
        layers: L block numbers.
        index: (L, E), (q_text - q_image) / (q_text + q_image).
        load: (L, E), share of all tokens of the layer.
        order: int (L, E), experts as drawn in a row.
        dead: bool (L, E).
        chosen: (layer, expert) that is marked.
    """
    count = index.shape[1]
    gone = np.zeros(index.shape, dtype=bool) if dead is None else np.asarray(dead)
    points = [
        (row, at, int(expert)) for row in range(len(layers)) for at, expert in enumerate(order[row])
    ]
    largest = float(load.max(initial=0.0)) or 1.0
    sizes = [
        14.0 if gone[row, e] else max(9.0, _LARGEST * float(load[row, e] / largest) ** 0.5)
        for row, _, e in points
    ]
    marked = [chosen == (int(layers[row]), e) for row, _, e in points]
    made = style.figure(height=_ROW * len(layers) + 70)
    made.add_scatter(
        x=[at for _, at, _ in points],
        y=[row for row, _, _ in points],
        mode="markers+text" if count <= 32 else "markers",
        text=[str(e) for _, _, e in points],
        textfont={"color": ["#5c6370" if gone[r, e] else "#ffffff" for r, _, e in points]},
        marker={
            "size": sizes,
            "symbol": ["x-thin" if gone[row, e] else "circle" for row, _, e in points],
            "color": [_finite(index[row, e]) for row, _, e in points],
            "colorscale": [list(each) for each in MODALITY_SCALE],
            "cmin": -1,
            "cmax": 1,
            "opacity": 1,
            "line": {
                "width": [3 if is_marked else 0 for is_marked in marked],
                "color": "#1a1f27",
            },
            "colorbar": {
                "tickvals": [-0.93, 0, 0.93],
                "ticktext": ["image only", "both alike", "text only"],
                "thickness": 10,
                "len": 1.0,
                "outlinewidth": 0,
            },
        },
        customdata=[[int(layers[row]), e] for row, _, e in points],
        hovertext=[
            _said(int(layers[r]), e, index[r, e], load[r, e], gone=bool(gone[r, e]))
            for r, _, e in points
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.update_xaxes(visible=False, range=[-0.7, count - 0.3])
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(layers))),
        ticktext=[f"block {layer}" for layer in layers],
        range=[len(layers) - 0.45, -0.55],
        showgrid=False,
    )
    return made


def _finite(value: float) -> float:
    return 0.0 if np.isnan(value) else float(value)


def _said(layer: int, expert: int, index: float, load: float, *, gone: bool) -> str:
    words = f"block {layer}, <b>expert {expert}</b><br>{style.share(float(load))} of all tokens"
    if gone:
        return f"{words}<br>dead: almost no token of either kind"
    return f"{words}<br>modality index <b>{index:+.2f}</b> (−1 image only, +1 text only)"


def together(counts: NDArray[Any], alone: NDArray[Any]) -> go.Figure:
    """How often two experts of a layer serve the same token, of the tokens of the row's expert.

    A heatmap, and over it points that can be clicked; customdata [row's expert, column's expert].

    Args:
        counts: (E, E), tokens whose choices hold both; the diagonal is not read.
        alone: (E,), tokens of each expert.
    """
    size = len(alone)
    shares = np.full((size, size), np.nan)
    np.divide(counts, alone[:, None], out=shares, where=np.asarray(alone)[:, None] > 0)
    np.fill_diagonal(shares, np.nan)
    made = style.figure(height=max(260, 30 * size + 80))
    made.add_heatmap(
        z=[[None if np.isnan(v) else float(v) for v in row] for row in shares],
        zmin=0,
        colorscale=[[0.0, "rgba(0,158,115,0.03)"], [1.0, "#009E73"]],
        colorbar={"tickformat": ".0%", "thickness": 10},
        hoverinfo="skip",
        xgap=1,
        ygap=1,
    )
    cells = [(row, column) for row in range(size) for column in range(size) if row != column]
    made.add_scatter(  # heatmaps take no clicks
        x=[column for _, column in cells],
        y=[row for row, _ in cells],
        mode="markers",
        marker={"symbol": "square", "size": 22, "opacity": 0.01, "color": "#808792"},
        customdata=[list(cell) for cell in cells],
        hovertext=[
            f"of the tokens of expert {row}<br><b>{style.share(float(shares[row, column]))}</b> "
            f"also go to expert {column}"
            for row, column in cells
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.update_xaxes(title_text="also goes to expert", dtick=1, showgrid=False)
    made.update_yaxes(title_text="tokens of expert", dtick=1, autorange="reversed", showgrid=False)
    return made
