"""How a whole collection scores against a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import plotly.graph_objects as go

from workbench.plots import style

__all__ = ["Spread", "overlay", "scores"]


class Spread(Protocol):
    """Scores in bins: ``edges`` (B + 1), ``counts`` (B), ``n`` in all, with mean and deviation."""

    @property
    def edges(self) -> tuple[float, ...]:
        """Ascending cosines."""

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of scores between neighbouring edges."""

    @property
    def n(self) -> int:
        """Number of scores."""

    @property
    def mean(self) -> float:
        """Their mean."""

    @property
    def std(self) -> float:
        """Their standard deviation."""


def scores(
    spread: Spread,
    *,
    shown: Sequence[float] = (),
    colour: str = style.IMAGE_COLOUR,
    noun: str = "items",
) -> go.Figure:
    """Bars over cosines; a band marks where the results on the page lie.

    One point a bin, in order; its customdata is [lower edge, upper edge].

    Args:
        spread: scores of everything that passed the filter.
        shown: scores of the results that are on the page.
        colour: of what is ranked.
        noun: what is counted, in the plural.
    """
    made = style.figure(height=210, bargap=0.04)
    low, high = spread.edges[:-1], spread.edges[1:]
    middles = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    made.add_bar(
        x=middles,
        y=spread.counts,
        width=[b - a for a, b in zip(low, high, strict=True)],
        marker={"color": colour, "line": {"width": 0}},
        customdata=[[a, b] for a, b in zip(low, high, strict=True)],
        text=[_deviations(x, spread) for x in middles],
        textposition="none",
        hovertemplate=(
            "cosine %{customdata[0]:.3f} to %{customdata[1]:.3f}<br>"
            f"<b>%{{y:,}}</b> {style.plain(noun)}<br>%{{text}}<extra></extra>"
        ),
    )
    made.update_xaxes(title_text="cosine", tickformat=".2~f", nticks=8)
    made.update_yaxes(title_text=style.plain(noun), tickformat="~s", nticks=5, rangemode="tozero")
    if len(shown):
        _mark(made, min(shown), max(shown), len(shown), colour)
    return made


def overlay(spreads: Mapping[str, Spread], *, noun: str = "items") -> go.Figure:
    """Several models on one axis, as shares of their scores a hundredth of cosine wide.

    One trace a model with one point a bin; customdata is [model, lower edge, upper edge].

    Args:
        spreads: model name -> its scores of the same query.
        noun: what is counted, in the plural.
    """
    made = style.figure(height=240, showlegend=len(spreads) > 1, hovermode="closest")
    for nth, (name, spread) in enumerate(spreads.items()):
        bins = list(zip(spread.edges, spread.edges[1:], spread.counts, strict=False))
        colour, total = style.model_colour(nth), max(1, spread.n)
        made.add_scatter(
            x=[(a + b) / 2 for a, b, _ in bins],
            y=[0.01 * c / total / max(b - a, 1e-9) for a, b, c in bins],
            name=style.plain(name),
            mode="lines",
            line={"color": colour, "width": 2, "shape": "hvh"},
            fill="tozeroy",
            fillcolor=style.tinted(colour, 0.14),
            customdata=[[name, a, b] for a, b, _ in bins],
            text=[style.count(c) for _, _, c in bins],
            hovertemplate=(
                f"{style.plain(name)}<br>"
                "cosine %{customdata[1]:.3f} to %{customdata[2]:.3f}<br>"
                f"<b>%{{text}}</b> {style.plain(noun)}<extra></extra>"
            ),
        )
    made.update_xaxes(title_text="cosine", tickformat=".2~f", nticks=8)
    made.update_yaxes(title_text="share per 0.01", tickformat=".0%", nticks=5, rangemode="tozero")
    return made


def _deviations(x: float, spread: Spread) -> str:
    """Where a score lies, in standard deviations from the mean."""
    if spread.std <= 0:
        return "at the mean"
    away = (x - spread.mean) / spread.std
    return f"{abs(away):.1f} standard deviations {'above' if away >= 0 else 'below'} the mean"


def _mark(made: go.Figure, low: float, high: float, number: int, colour: str) -> None:
    """A band from the lowest to the highest shown score, named above the bars."""
    made.add_vrect(
        x0=low, x1=high, fillcolor=colour, opacity=0.13, line={"width": 0}, layer="below"
    )
    for edge in {low, high}:
        made.add_vline(x=edge, line={"color": colour, "width": 1, "dash": "dot"})
    words = f"{style.count(number)} shown" if number > 1 else "shown"
    made.add_annotation(
        x=(low + high) / 2,
        y=1,
        yref="paper",
        yanchor="bottom",
        text=words,
        showarrow=False,
        font={"size": 12, "color": colour},
    )
    made.update_layout(margin={"l": 8, "r": 12, "t": 26, "b": 8})
