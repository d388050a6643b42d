"""How far down the right answers stand, and how many are among the first k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots import style

__all__ = ["Evaluated", "rank_bars", "rank_histogram", "recall_bars"]

_DIRECTIONS = {
    "text-to-image": ("Text to image", style.IMAGE_COLOUR),
    "image-to-text": ("Image to text", style.TEXT_COLOUR),
}


class Evaluated(Protocol):
    """What recall bars need of a retrieval report; the maps are keyed by direction, then name."""

    @property
    def model(self) -> str:
        """Its name."""

    @property
    def measures(self) -> Mapping[Any, Mapping[str, float]]:
        """``recall@1`` and so on, ``n``."""

    @property
    def intervals(self) -> Mapping[Any, Mapping[str, tuple[float, float]]]:
        """95% intervals of the recalls."""

    @property
    def chance(self) -> Mapping[Any, Mapping[str, float]]:
        """Recalls of a random ranking."""


def rank_bars(ranks: Mapping[str, Sequence[tuple[str, int]]]) -> go.Figure:
    """Share of the queries whose right answer stands at each range of ranks, a bar a model.

    One trace a model, one point a range; customdata is [model, range, queries].

    Args:
        ranks: model -> (range of ranks, number of queries), in order.
    """
    made = style.figure(height=280, showlegend=len(ranks) > 1, bargap=0.25, bargroupgap=0.06)
    for nth, (name, pairs) in enumerate(ranks.items()):
        total = sum(number for _, number in pairs) or 1
        made.add_bar(
            x=[label for label, _ in pairs],
            y=[number / total for _, number in pairs],
            name=style.plain(name),
            marker={"color": style.model_colour(nth), "line": {"width": 0}},
            customdata=[[name, label, number] for label, number in pairs],
            hovertext=[
                f"{style.plain(name)}<br>right answer at rank {label}<br>"
                f"<b>{style.share(number / total)}</b>, {style.count(number)} "
                f"of {style.count(total)} queries"
                for label, number in pairs
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    made.update_xaxes(title_text="rank of the right answer", type="category")
    made.update_yaxes(title_text="share of queries", tickformat=".0%", rangemode="tozero")
    return made


def rank_histogram(ranks: Mapping[str, NDArray[Any]], *, gallery: int) -> go.Figure:
    """Ranks in bins that double: 1, 2, 3-4, 5-8 ..., to the size of the gallery.

    Traces, points and customdata as in ``rank_bars``.

    Args:
        ranks: model -> (Q,) rank of each query's right answer, from 1; halves where scores tie.
        gallery: number of results ranked.
    """
    tops = [1]
    while tops[-1] < gallery:
        tops.append(min(gallery, tops[-1] * 2))
    labels = [_range(low + 1, high) for low, high in zip([0, *tops], tops, strict=False)]
    counted = {}
    for name, values in ranks.items():
        places = np.searchsorted(tops, np.ceil(values))
        numbers = np.bincount(places, minlength=len(tops)).tolist()
        counted[name] = list(zip(labels, numbers, strict=True))
    return rank_bars(counted)


def recall_bars(reports: Sequence[Evaluated], *, ks: Sequence[int] = (1, 5, 10)) -> go.Figure:
    """Recall@k in both directions side by side, with 95% intervals and the level of chance.

    For each model one trace in each direction, one point a k; customdata is
    [model, direction, k]. A single model takes the colour of what is found, several take their
    own. The last trace of a direction holds the level of chance and no customdata.

    Args:
        reports: one evaluation a model, of the same dataset.
        ks: depths of recall that the reports have.
    """
    made = style.figure(height=300, showlegend=len(reports) > 1, bargap=0.3, bargroupgap=0.08)
    for place, (way, (title, colour)) in enumerate(_DIRECTIONS.items()):
        axes = {"xaxis": f"x{place + 1}" if place else "x", "yaxis": "y"}
        for nth, report in enumerate(reports):
            shade = colour if len(reports) == 1 else style.model_colour(nth)
            made.add_trace(_recalls(report, way, ks, shade, first=place == 0, **axes))
        made.add_trace(_chance(reports, way, ks, **axes))
        made.add_annotation(
            text=f"<b>{title}</b>", x=0.24 + 0.52 * place, y=1, xref="paper", yref="paper",
            yanchor="bottom", showarrow=False, font={"color": colour, "size": 14},
        )  # fmt: skip
    made.update_layout(
        xaxis={"domain": [0, 0.48], "type": "category"},
        xaxis2={"domain": [0.52, 1], "type": "category", "anchor": "y"},
        yaxis={"tickformat": ".0%", "range": [0, 1.02]},
        margin={"l": 8, "r": 12, "t": 48 if len(reports) > 1 else 28, "b": 8},
        legend={"y": 1.1},
    )
    return made


def _recalls(
    report: Evaluated, way: str, ks: Sequence[int], colour: str, *, first: bool, **axes: str
) -> go.Bar:
    names = [f"recall@{k}" for k in ks]
    values = [report.measures[way][name] for name in names]
    bounds = [report.intervals[way][name] for name in names]
    return go.Bar(
        x=[f"R@{k}" for k in ks],
        y=values,
        name=style.plain(report.model),
        legendgroup=report.model,
        showlegend=first,
        marker={"color": colour, "line": {"width": 0}},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [high - v for (_, high), v in zip(bounds, values, strict=True)],
            "arrayminus": [v - low for (low, _), v in zip(bounds, values, strict=True)],
            "thickness": 1.4,
            "width": 4,
            "color": "#808792",
        },
        text=[f"{100 * value:.1f}" for value in values],
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        textfont={"color": "white", "size": 12},
        customdata=[[report.model, way, k] for k in ks],
        hovertext=[
            f"{style.plain(report.model)}<br>right answer among the first {k}: "
            f"<b>{style.share(value)}</b><br>95% interval {style.share(low)} to "
            f"{style.share(high)}<br>{style.count(report.measures[way]['n'])} queries"
            for k, value, (low, high) in zip(ks, values, bounds, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        **axes,
    )


def _chance(reports: Sequence[Evaluated], way: str, ks: Sequence[int], **axes: str) -> go.Scatter:
    """Short strokes at the level of a random ranking; that of the first model, all being equal."""
    levels = [reports[0].chance[way][f"recall@{k}"] for k in ks] if reports else []
    return go.Scatter(
        x=[f"R@{k}" for k in ks] if reports else [],
        y=levels,
        mode="markers",
        showlegend=False,
        marker={
            "symbol": "line-ew",
            "size": 34,
            "line": {"width": 2, "color": "#808792"},
        },
        hovertext=[f"chance: {style.share(level)}" for level in levels],
        hovertemplate="%{hovertext}<extra></extra>",
        **axes,
    )


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"
