"""How often each value of a column occurs."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from workbench.plots import style

__all__ = ["counts", "spread"]

_BAR = 24
"""Pixels a bar."""


def counts(
    pairs: Sequence[tuple[str, int]], *, colour: str = style.IMAGE_COLOUR, noun: str = "items"
) -> go.Figure:
    """Horizontal bars, the first value on top, each with its number.

    One point a value, in order; its customdata is [the value in full].

    Args:
        pairs: (value, how often it occurs).
        colour: of the bars.
        noun: what is counted, in the plural.
    """
    made = style.figure(height=_BAR * max(2, len(pairs)) + 20, bargap=0.18)
    total = sum(number for _, number in pairs)
    names = [style.plain(value) or "(empty)" for value, _ in pairs]
    made.add_bar(
        orientation="h",
        x=[number for _, number in pairs],
        y=list(range(len(pairs))),  # places, not names: two long names may be cut alike
        marker={"color": colour, "line": {"width": 0}},
        customdata=[[value] for value, _ in pairs],
        text=[style.count(number) for _, number in pairs],
        textposition="outside",
        cliponaxis=False,
        hovertext=[
            f"{style.short(name, 80)}<br><b>{style.count(number)}</b> {style.plain(noun)}, "
            f"{style.share(number / total if total else 0)} of those shown"
            for name, (_, number) in zip(names, pairs, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.update_xaxes(visible=False, rangemode="tozero")
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(pairs))),
        ticktext=[_tick(value) for value, _ in pairs],
        autorange="reversed",
        showgrid=False,
        ticklabelstandoff=6,
    )
    made.update_layout(margin={"l": 8, "r": 56, "t": 4, "b": 4})
    return made


def spread(
    edges: Sequence[float],
    numbers: Sequence[int],
    *,
    colour: str = style.IMAGE_COLOUR,
    title: str = "",
    noun: str = "items",
) -> go.Figure:
    """Upright bars over the bins of a numeric column.

    One point a bin, in order; its customdata is [lower edge, upper edge].

    Args:
        edges: B + 1 ascending bounds.
        numbers: B counts.
        colour: of the bars.
        title: name of the column, under the axis.
        noun: what is counted, in the plural.
    """
    made = style.figure(height=240, bargap=0.04)
    bins = list(zip(edges, edges[1:], numbers, strict=False))
    made.add_bar(
        x=[(low + high) / 2 for low, high, _ in bins],
        y=[number for _, _, number in bins],
        width=[high - low for low, high, _ in bins],
        marker={"color": colour, "line": {"width": 0}},
        customdata=[[low, high] for low, high, _ in bins],
        hovertext=[
            f"{style.number(low)} to {style.number(high)}<br>"
            f"<b>{style.count(number)}</b> {style.plain(noun)}"
            for low, high, number in bins
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.update_xaxes(title_text=style.plain(title), nticks=8)
    made.update_yaxes(title_text=style.plain(noun), tickformat="~s", nticks=5, rangemode="tozero")
    return made


def _tick(value: str) -> str:
    """A value beside its bar: cut before it is escaped, so that no escape is cut."""
    return style.plain(style.short(" ".join(value.split()))) or "(empty)"
