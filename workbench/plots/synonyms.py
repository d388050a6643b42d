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
_APART = 5
"""Points of accuracy between two labels."""
_SHARED = 3
"""Names in one label."""


def slopes(gains: Sequence[ClassGain]) -> go.Figure:
    """Accuracy of each class under its given name (left) and under the new one (right).

    One trace a class with images, both points with customdata [class number, "given" | "new"].
    Green rises, vermilion falls, grey stays. The classes that move most are named.

    Args:
        gains: of ``gain``; classes without images are left out.
    """
    shown = [each for each in gains if not math.isnan(each.difference.value)]
    ranked = sorted(shown, key=lambda each: -abs(each.difference.value))
    named = [each for each in ranked[:_LABELS] if each.difference.value]
    labels = _labels(named)
    made = style.figure(height=460, hovermode="closest", margin={"l": 8, "r": 210, "t": 12, "b": 8})
    for each in reversed(ranked):
        made.add_trace(_slope(each, labels.get(each.concept), named=each in named))
    made.update_xaxes(
        tickvals=[0, 1], ticktext=["given name", "most frequent name"], range=[-0.12, 1.04]
    )
    made.update_yaxes(title_text="accuracy", ticksuffix="%", range=[-3, 103])
    return made


def _labels(named: Sequence[ClassGain]) -> dict[int, str]:
    """Class -> text at the right edge; classes that end at one height share the text of one."""
    ends: dict[int, list[ClassGain]] = {}
    for each in named:
        ends.setdefault(round(each.after / _APART), []).append(each)
    found = {}
    for group in ends.values():
        words = ", ".join(style.short(each.term, 20) for each in group[:_SHARED])
        more = f" +{len(group) - _SHARED}" if len(group) > _SHARED else ""
        found[group[0].concept] = f"  {style.plain(words)}{more}"
    return found


def _slope(each: ClassGain, label: str | None, *, named: bool) -> go.Scatter:
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
        mode="lines+markers" if label is None else "lines+markers+text",
        text=None if label is None else ["", label],
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
    [class number, term]. A diamond is the given name. Meant for a handful of classes; the terms of
    more than two stand in the tooltips alone. Terms at one place share a text.

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
        trace = _terms(names[concept], mine, axis, style.model_colour(nth))
        made.add_trace(trace if len(classes) <= 2 else trace.update(mode="lines+markers"))
    axis.draw(made, "captions with the term")
    made.update_yaxes(title_text="accuracy of the class", ticksuffix="%", range=[-3, 108])
    return made


def _terms(name: str, rows: list[Spoken], axis: CountAxis, colour: str) -> go.Scatter:
    places: dict[tuple[int, float], list[str]] = {}
    for row in rows:
        places.setdefault((row.captions, row.accuracy), []).append(style.short(row.term, 20))
    texts = [", ".join(places.pop((row.captions, row.accuracy), [])) for row in rows]
    return go.Scatter(
        x=[axis.at(row.captions) for row in rows],
        y=[row.accuracy for row in rows],
        mode="lines+markers+text",
        name=style.plain(name),
        text=[style.plain(style.short(text, 48)) for text in texts],
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
