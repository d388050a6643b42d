"""Two towers against each other, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from workbench.plots import style

__all__ = ["layer_map"]

_SCALE = [[0.0, "rgba(0,114,178,0.04)"], [1.0, "rgb(0,90,150)"]]
_WRITTEN = 150
"""Cells that have room for their number."""


def layer_map(
    values: Sequence[Sequence[float]],
    null: Sequence[Sequence[float]],
    names: tuple[Sequence[str], Sequence[str]],
    *,
    chance: float,
    unit: str,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """A measure of every image layer (upwards) against every text layer.

    A heatmap, and over it invisible points that can be clicked, customdata [place of the image
    layer, place of the text layer].

    Args:
        values: (A, B).
        null: (A, B) 95th percentile by chance; empty where there is none.
        names: of the image and of the text layers.
        chance: what chance gives on average.
        unit: what the number is, e.g. ``CKA``.
        chosen: (image layer, text layer) to ring.
    """
    rows, columns = len(values), len(values[0])
    across, up = ([style.plain(name) for name in side] for side in (names[1], names[0]))
    made = style.figure(height=130 + 44 * min(rows, 14))
    highest = max(max(row) for row in values)
    made.add_heatmap(
        z=[list(row) for row in values],
        x=list(range(columns)),
        y=list(range(rows)),
        zmin=min(0.0, chance),
        zmax=max(highest, 1e-9),
        colorscale=_SCALE,
        colorbar={"thickness": 10, "len": 0.8, "title": {"text": style.plain(unit)}},
        xgap=2,
        ygap=2,
        texttemplate="%{z:.2f}" if rows * columns <= _WRITTEN else None,
        hoverinfo="skip",
    )
    cells = [(i, j) for i in range(rows) for j in range(columns)]
    made.add_scatter(
        x=[j for _, j in cells],
        y=[i for i, _ in cells],
        mode="markers",
        marker={"symbol": "square", "size": 34, "opacity": 0.01},
        selected={"marker": {"opacity": 0.01}},
        unselected={"marker": {"opacity": 0.01}},
        customdata=[list(cell) for cell in cells],
        hovertext=[
            f"image {up[i]}, text {across[j]}<br>{style.plain(unit)} "
            f"<b>{values[i][j]:.3f}</b>" + _by_chance(null, i, j, chance)
            for i, j in cells
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    if chosen is not None:
        i, j = chosen
        made.add_shape(
            type="rect", x0=j - 0.5, x1=j + 0.5, y0=i - 0.5, y1=i + 0.5,
            line={"color": style.TEXT_COLOUR, "width": 3},
        )  # fmt: skip
    made.update_xaxes(
        title_text="layer of texts", tickvals=list(range(columns)), ticktext=across,
        range=[-0.5, columns - 0.5],
    )  # fmt: skip
    made.update_yaxes(
        title_text="layer of images", tickvals=list(range(rows)), ticktext=up,
        range=[-0.5, rows - 0.5], showgrid=False,
    )  # fmt: skip
    return made


def _by_chance(null: Sequence[Sequence[float]], i: int, j: int, chance: float) -> str:
    words = f"<br>by chance {chance:.3f} on average"
    return words + (f", up to {null[i][j]:.3f}" if null else "")
