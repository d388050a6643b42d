"""Tokens as cells coloured by the expert they went to, for figures of patches and of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from workbench.plots import style

__all__ = ["NEAR", "TokenCell", "add_cells", "outline", "said"]

NEAR = {"hovermode": "closest", "hoverdistance": 40}
"""Layout of a figure of cells: the token that is nearest to the pointer is read and clicked."""

_GAP = 0.03
_LABELLED = 400
"""Most cells that carry the number of their expert; of more, the numbers would not be read."""


_STROKES = (
    ((0.06, 0.36), (0.36, 0.06)),
    ((0.06, 0.94), (0.94, 0.06)),
    ((0.64, 0.94), (0.94, 0.64)),
)
"""From corner to corner and on both sides of it, in a box of width and height 1."""


@dataclass(frozen=True)
class TokenCell:
    """One token as one mixture routed it, drawn as a box of height 1.

    Args:
        x: left edge.
        y: upper edge; figures count y downward.
        experts: the chosen ones, best first; -1 where the layer did not see the token.
        gates: their weights.
        kept: which of them had room for it.
        name: what it is, e.g. ``patch 12`` or the word; any text.
        data: what a click hands back.
        wide: width of the box.
        label: stands in the box; empty for the number of the expert. A literal text.
    """

    x: float
    y: float
    experts: Sequence[int]
    gates: Sequence[float]
    kept: Sequence[bool]
    name: str
    data: Sequence[int]
    wide: float = 1
    label: str = ""

    @property
    def routed(self) -> bool:
        """The layer saw it."""
        return self.experts[0] >= 0

    @property
    def dropped(self) -> bool:
        """No expert had room: only the residual carries the token on."""
        return self.routed and not any(self.kept)


def add_cells(
    made: go.Figure, cells: Sequence[TokenCell], *, opacity: float = 1, size: float = 12
) -> go.Figure:
    """Draw cells, hatch those that were dropped, and lay a point that can be clicked over each.

    Traces: one of boxes for each expert, the fullest first, named ``expert 3 (21)`` for the legend,
    which switches its cells; the hatching, if any; the labels, by expert; last the points, with
    ``data`` as customdata.

    Args:
        made: figure whose y axis runs downward, of layout ``NEAR``.
        cells: the tokens.
        opacity: of the colours, in [0, 1]; below 1, labels have a shadow to stand out by.
        size: of the labels, in pixels.

    Returns:
        the same figure.
    """
    first = Counter(cell.experts[0] for cell in cells if cell.routed)
    ordered = sorted(first, key=lambda expert: (-first[expert], expert))
    by_expert = {e: [cell for cell in cells if cell.experts[0] == e] for e in ordered}
    for expert, mine in by_expert.items():
        _boxes(made, expert, mine, f"expert {expert} ({len(mine)})", opacity)
    _hatching(made, cells)
    if len(cells) <= _LABELLED:
        for expert, mine in by_expert.items():
            _labels(made, mine, _font(expert, opacity, size))
    made.add_scatter(
        x=[cell.x + cell.wide / 2 for cell in cells],
        y=[cell.y + 0.5 for cell in cells],
        mode="markers",
        marker={"symbol": "square", "size": 18, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[list(cell.data) for cell in cells],
        hovertext=[said(cell) for cell in cells],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
    return made


def _boxes(
    made: go.Figure, expert: int, cells: Sequence[TokenCell], name: str, opacity: float
) -> None:
    xs: list[float | None] = []
    ys: list[float | None] = []
    for cell in cells:
        left, right = cell.x + _GAP, cell.x + cell.wide - _GAP
        top, bottom = cell.y + _GAP, cell.y + 1 - _GAP
        xs += [left, right, right, left, left, None]
        ys += [top, top, bottom, bottom, top, None]
    colour = style.expert_colour(expert)
    made.add_scatter(
        x=xs,
        y=ys,
        mode="lines",
        fill="toself",
        fillcolor=style.tinted(colour, opacity),
        line={"width": 1, "color": colour},
        name=name,
        legendgroup=str(expert),
        showlegend=True,
        hoverinfo="skip",
    )


def _font(expert: int, opacity: float, size: float) -> dict[str, Any]:
    if opacity >= 1:
        return {"size": size, "color": style.ink_on(style.expert_colour(expert))}
    return {"size": size, "color": "#ffffff", "shadow": "0 0 3px #000, 0 0 2px #000"}


def _labels(made: go.Figure, cells: Sequence[TokenCell], font: Mapping[str, Any]) -> None:
    expert = cells[0].experts[0]
    made.add_scatter(
        x=[cell.x + cell.wide / 2 for cell in cells],
        y=[cell.y + 0.5 for cell in cells],
        mode="text",
        text=[style.plain(cell.label) or str(expert) for cell in cells],
        textfont=dict(font),
        legendgroup=str(expert),
        showlegend=False,
        hoverinfo="skip",
    )


def _hatching(made: go.Figure, cells: Sequence[TokenCell]) -> None:
    """Strokes over cells with a choice that found no room: one, or three where none did."""
    hit = [cell for cell in cells if cell.routed and not all(cell.kept)]
    if not hit:
        return
    xs: list[float | None] = []
    ys: list[float | None] = []
    for cell in hit:
        for start, end in _STROKES if cell.dropped else _STROKES[1:2]:
            xs += [cell.x + cell.wide * start[0], cell.x + cell.wide * end[0], None]
            ys += [cell.y + start[1], cell.y + end[1], None]
    whole = sum(cell.dropped for cell in hit)
    for nth, (colour, width) in enumerate((("#ffffff", 3.5), ("#111111", 1.5))):
        made.add_scatter(
            x=xs,
            y=ys,
            mode="lines",
            line={"color": colour, "width": width},
            name=f"dropped ({whole})" if whole == len(hit) else f"a choice dropped ({len(hit)})",
            legendgroup="dropped",
            showlegend=nth == 1,
            hoverinfo="skip",
        )


def said(cell: TokenCell) -> str:
    """What the pointer reads on a token."""
    lines = [f"<b>{style.plain(style.short(cell.name, 40))}</b>"]
    if not cell.routed:
        return f"{lines[0]}<br>passed no expert here"
    for expert, gate, kept in zip(cell.experts, cell.gates, cell.kept, strict=True):
        dropped = "" if kept else ", <b>dropped</b>: no room"
        lines.append(f"expert {expert}, gate {gate:.2f}{dropped}")
    return "<br>".join(lines)


def outline(cell: TokenCell) -> list[dict[str, Any]]:
    """The shapes that frame a token, so that it is seen on any picture."""
    right, bottom = cell.x + cell.wide, cell.y + 1
    edges: dict[str, Any] = {"type": "rect", "x0": cell.x, "y0": cell.y, "x1": right, "y1": bottom}
    return [
        {**edges, "line": {"color": "#ffffff", "width": 5}},
        {**edges, "line": {"color": "#111111", "width": 2.5}},
    ]
