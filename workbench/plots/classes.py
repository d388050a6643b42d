"""Accuracies of classes and groups, as bars with intervals and as points of two runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from workbench.plots import style

__all__ = ["class_scatter", "group_bars", "rank_accuracy"]


def group_bars(groups: Sequence[tuple[str, str, float, float, float, int]]) -> go.Figure:
    """Top-1 accuracy of each group with its 95% interval, a bar a run.

    One trace a run, one point a group; customdata is [run, group, images].

    Args:
        groups: (run, group, accuracy, lower, upper, images), in the order to draw.
    """
    runs = list(dict.fromkeys(group[0] for group in groups))
    made = style.figure(height=300, showlegend=len(runs) > 1, bargap=0.3, bargroupgap=0.08)
    for nth, run in enumerate(runs):
        mine = [group for group in groups if group[0] == run]
        made.add_bar(
            x=[style.plain(style.short(group[1])) for group in mine],
            y=[group[2] for group in mine],
            name=style.plain(run),
            marker={"color": style.model_colour(nth), "line": {"width": 0}},
            error_y=_errors(mine),
            customdata=[[run, group[1], group[5]] for group in mine],
            hovertext=[
                f"{style.plain(run)}<br>{style.plain(group[1])}<br><b>{style.share(group[2])}</b> "
                f"({style.share(group[3])} to {style.share(group[4])})<br>"
                f"{style.count(group[5])} images"
                for group in mine
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    made.update_xaxes(type="category")
    made.update_yaxes(title_text="top-1 accuracy", tickformat=".0%", range=[0, 1])
    return made


def _errors(groups: Sequence[tuple[str, str, float, float, float, int]]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for _, _, value, _, high, _ in groups],
        "arrayminus": [value - low for _, _, value, low, _, _ in groups],
        "thickness": 1.2,
        "width": 3,
    }


def rank_accuracy(names: Sequence[str], accuracies: Sequence[float]) -> go.Figure:
    """The classes from the worst to the best: where the mean comes from.

    One trace, one point a class; customdata is [place of the class in the arguments].

    Args:
        names: C class names.
        accuracies: C numbers in [0, 1]; classes without images (NaN) are left out.
    """
    known = [i for i, value in enumerate(accuracies) if not math.isnan(value)]
    order = sorted(known, key=lambda i: accuracies[i])
    made = style.figure(height=220)
    made.add_scattergl(
        x=list(range(1, len(order) + 1)),
        y=[accuracies[i] for i in order],
        mode="markers",
        marker={"size": 5, "color": style.IMAGE_COLOUR},
        customdata=[[i] for i in order],
        hovertext=[f"{style.plain(names[i])}<br><b>{accuracies[i]:.0%}</b>" for i in order],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.update_xaxes(title_text="classes, the worst first")
    made.update_yaxes(title_text="accuracy", tickformat=".0%", range=[-0.03, 1.03])
    return made


def class_scatter(
    names: Sequence[str],
    first: Sequence[float],
    second: Sequence[float],
    *,
    titles: tuple[str, str],
) -> go.Figure:
    """Accuracy of each class in two runs; above the diagonal the second is better.

    The first trace is the diagonal; the second holds one point a class, customdata [place of the
    class in the arguments].

    Args:
        names: C class names.
        first: C accuracies in [0, 1] of the first run; NaN leaves the class out.
        second: those of the second run.
        titles: names of the two runs.
    """
    kept = [i for i in range(len(names)) if not math.isnan(first[i] + second[i])]
    made = style.figure(height=420)
    line = {"dash": "dot", "width": 1, "color": "#808792"}
    made.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, hoverinfo="skip")
    made.add_scattergl(
        x=[first[i] for i in kept],
        y=[second[i] for i in kept],
        mode="markers",
        marker={"size": 7, "color": style.IMAGE_COLOUR, "opacity": 0.55},
        customdata=[[i] for i in kept],
        hovertext=[
            f"<b>{style.plain(names[i])}</b><br>{first[i]:.0%} and {second[i]:.0%}" for i in kept
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    shared: dict[str, Any] = {"tickformat": ".0%", "range": [-0.03, 1.03]}
    made.update_xaxes(title_text=style.plain(titles[0]), showgrid=True, **shared)
    made.update_yaxes(title_text=style.plain(titles[1]), **shared)
    return made
