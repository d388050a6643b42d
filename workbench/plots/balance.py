"""How often each concept occurs before and after a corpus is balanced."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from workbench.longtail.balance import Effective
from workbench.plots import style
from workbench.plots.frequency import CountAxis

__all__ = ["before_and_after"]

_GREY = "#808792"


def before_and_after(names: Sequence[str], found: Effective, cap: float) -> go.Figure:
    """Concepts from the most to the least frequent: before, expected after, and sampled.

    Three traces, one point a concept, customdata [concept number, "before" | "expected" |
    "sampled"]; the last is missing when nothing was sampled. Then the cap as a line, without
    customdata, unless it is infinite. Points above it after balancing are concepts whose captions
    stay for another concept's sake.

    Args:
        names: C concept names.
        found: of ``effective``.
        cap: t, as it was used.
    """
    counts = found.before.tolist()
    order = sorted(range(len(counts)), key=lambda i: -counts[i])
    series: list[tuple[str, str, list[float], str]] = [
        ("before", "before", counts, _GREY),
        ("expected", "expected after", found.expected.tolist(), style.TEXT_COLOUR),
    ]
    if found.kept:
        sampled = found.actual.tolist()
        series.append(("sampled", "in the sample", sampled, style.IMAGE_COLOUR))
    axis = CountAxis.of(value for _, _, values, _ in series for value in (*values, cap))
    made = style.figure(height=380, showlegend=True, hovermode="closest")
    for each in series:
        made.add_trace(_trace(names, order, each, axis))
    axis.draw(made, "captions with the concept", upright=True)
    CountAxis.of([1, max(1, len(order))]).draw(made, "rank of the concept before")
    if cap < float("inf"):
        made.add_trace(_cap(cap, len(order)))
    return made


def _trace(
    names: Sequence[str],
    order: list[int],
    series: tuple[str, str, list[float], str],
    axis: CountAxis,
) -> go.Scattergl:
    key, title, values, colour = series
    sampled = key == "sampled"
    marker = {"size": 7 if sampled else 4, "color": colour, "opacity": 0.8}
    marker["symbol"] = "circle-open" if sampled else "circle"
    return go.Scattergl(
        x=list(range(1, len(order) + 1)),
        y=[axis.at(values[i]) for i in order],
        mode="markers" if sampled else "lines+markers",
        line={"width": 1.5},
        name=title,
        marker=marker,
        customdata=[[i, key] for i in order],
        hovertext=[
            f"<b>{style.plain(names[i])}</b><br>{title}: "
            f"{style.number(round(values[i], 1))} captions"
            for i in order
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _cap(cap: float, concepts: int) -> go.Scatter:
    """The cap as a line across."""
    return go.Scatter(
        x=[1, max(1, concepts)],
        y=[cap, cap],
        mode="lines",
        name=f"cap {style.number(cap)}",
        line={"dash": "dot", "width": 1.5, "color": _GREY},
        hoverinfo="skip",
    )
