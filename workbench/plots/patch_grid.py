"""A picture under the grid of its patches, each in the colour of the expert it went to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from workbench.plots import style
from workbench.plots.token_cells import NEAR, TokenCell, add_cells, outline

__all__ = ["patch_grid", "where"]

_HEIGHT = 400


def where(position: int, columns: int) -> str:
    """A patch in words, counted from 1: ``row 2, column 5``."""
    return f"row {position // columns + 1}, column {position % columns + 1}"


def patch_grid(
    picture: str,
    experts: Sequence[Sequence[int]],
    gates: Sequence[Sequence[float]],
    kept: Sequence[Sequence[bool]],
    *,
    columns: int,
    chosen: int | None = None,
    opacity: float = 0.6,
) -> go.Figure:
    """The patches of one image as one layer routed them; see ``token_cells.add_cells``.

    Args:
        picture: address of the image as the model saw it; empty draws the cells alone.
        experts: T lists of the K chosen experts, row by row from the upper left.
        gates: T lists of their weights.
        kept: T lists, which of them had room.
        columns: patches in a row.
        chosen: position of the patch to frame.
        opacity: of the colours over the picture, in [0, 1].
    """
    rows = max(1, -(-len(experts) // columns))
    cells = [
        TokenCell(
            x=position % columns,
            y=position // columns,
            experts=experts[position],
            gates=gates[position],
            kept=kept[position],
            name=where(position, columns),
            data=(position,),
        )
        for position in range(len(experts))
    ]
    framed = [] if chosen is None or not 0 <= chosen < len(cells) else outline(cells[chosen])
    hidden = {"visible": False, "constrain": "domain"}
    made = style.figure(
        height=_HEIGHT,
        showlegend=True,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        legend={"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top", "title": {"text": ""}},
        xaxis={"range": [0, columns], **hidden},
        yaxis={"range": [rows, 0], "scaleanchor": "x", **hidden},
        images=[_below(picture, columns, rows)] if picture else [],
        shapes=framed,
        **NEAR,
    )
    return add_cells(made, cells, opacity=opacity, size=13 if columns <= 10 else 10)


def _below(picture: str, columns: int, rows: int) -> dict[str, Any]:
    """A picture under all the cells."""
    return {
        "source": picture,
        "xref": "x",
        "yref": "y",
        "x": 0,
        "y": 0,
        "sizex": columns,
        "sizey": rows,
        "sizing": "stretch",
        "layer": "below",
    }
