"""What a class is called and how well it is then recognised."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from workbench.longtail.synonyms import ClassGain, Spoken
from workbench.plots import style
from workbench.plots.frequency import CountAxis

__all__ = ["slopes", "spoken"]

_GREY = "#808792"
_GAIN, _LOSS = style.MODEL_COLOURS[0], style.TEXT_COLOUR
_LABELS = 12
"""Classes named at the right edge; more would lie on one another."""


def slopes(gains: Sequence[ClassGain]) -> go.Figure:
    """Accuracy of each class under its given name (left) and under the new one (right).

    One trace a class with images, both points with customdata [class number, "given" | "new"].
    Green rises, vermilion falls, grey stays. The classes that move most are named.

    Args:
        gains: of ``gain``; classes without images are left out.
    """
    shown = [each for each in gains if not math.isnan(each.difference.value)]
    ranked = sorted(shown, key=lambda each: -abs(each.difference.value))
    named = {each.concept for each in ranked[:_LABELS] if each.difference.value}
    made = style.figure(height=460, hovermode="closest", margin={"l": 8, "r": 150, "t": 12, "b": 8})
    for each in reversed(ranked):
        made.add_trace(_slope(each, named=each.concept in named))
    made.update_xaxes(
        tickvals=[0, 1], ticktext=["given name", "most frequent name"], range=[-0.12, 1.04]
    )
    made.update_yaxes(title_text="accuracy", ticksuffix="%", range=[-3, 103])
    return made


def _slope(each: ClassGain, *, named: bool) -> go.Scatter:
    change = each.difference
    colour = _GAIN if change.value > 0 else _LOSS if change.value < 0 else _GREY
    calls = [each.name, each.term]
    hover = [
        f"<b>{style.plain(each.name)}</b><br>called {style.plain(call)}: {value:.1f}%<br>"
        f"{change.value:+.1f} points ({change.low:+.1f} to {change.high:+.1f})<br>"
        f"{style.count(change.n)} images"
        for call, value in zip(calls, (each.before, each.after), strict=True)
    ]
    return go.Scatter(
        x=[0, 1],
        y=[each.before, each.after],
        mode="lines+markers+text" if named else "lines+markers",
        text=["", f"  {style.plain(style.short(each.term, 20))}"] if named else None,
        textposition="middle right",
        cliponaxis=False,
        line={"color": colour, "width": 2 if named else 1},
        opacity=1 if named else 0.4,
        marker={"size": 6, "color": colour},
        customdata=[[each.concept, "given"], [each.concept, "new"]],
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def spoken(names: Sequence[str], rows: Sequence[Spoken]) -> go.Figure:
    """Accuracy with each term against the captions that use it; a line joins those of a class.

    One trace a class, one point a term in order of its captions, customdata
    [class number, term]. A diamond is the given name. Meant for a handful of classes.

    Args:
        names: C class names.
        rows: of ``per_synonym``, of the classes to show; terms without accuracy are left out.
    """
    known = [row for row in rows if not math.isnan(row.accuracy)]
    axis = CountAxis.of(row.captions for row in known)
    classes = list(dict.fromkeys(row.concept for row in known))
    made = style.figure(height=380, showlegend=len(classes) > 1, hovermode="closest")
    for nth, concept in enumerate(classes):
        mine = sorted((row for row in known if row.concept == concept), key=lambda r: r.captions)
        made.add_trace(_terms(names[concept], mine, axis, style.model_colour(nth)))
    axis.draw(made, "captions with the term")
    made.update_yaxes(title_text="accuracy of the class", ticksuffix="%", range=[-3, 108])
    return made


def _terms(name: str, rows: list[Spoken], axis: CountAxis, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[axis.at(row.captions) for row in rows],
        y=[row.accuracy for row in rows],
        mode="lines+markers+text",
        name=style.plain(name),
        text=[style.plain(style.short(row.term, 20)) for row in rows],
        textposition="top center",
        textfont={"size": 11},
        line={"color": colour, "width": 1, "dash": "dot"},
        marker={
            "size": 10,
            "color": colour,
            "symbol": ["diamond" if row.given else "circle" for row in rows],
        },
        customdata=[[row.concept, row.term] for row in rows],
        hovertext=[
            f"<b>{style.plain(row.term)}</b> for {style.plain(name)}<br>"
            f"{style.count(row.captions)} captions<br>accuracy {row.accuracy:.1f}%"
            + ("<br>the given name" if row.given else "")
            for row in rows
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
