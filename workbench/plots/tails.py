"""Head, middle and tail: accuracy and calibration in each range of frequency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from workbench.longtail.calibration import Calibration
from workbench.longtail.tails import WORST, Tails
from workbench.measures.interval import Measure
from workbench.plots import style

__all__ = ["calibration_bars", "kind_bars", "tail_bars"]

_GROUPS = {
    "overall": "all classes",
    "head": "head",
    "middle": "middle",
    "tail": "tail",
    "worst_by_frequency": f"rarest {WORST:.0%}",
    "worst_by_accuracy": f"lowest {WORST:.0%} by accuracy",
}
"""Fields of ``Tails`` in the order of the bars."""


def tail_bars(runs: Mapping[str, Tails]) -> go.Figure:
    """Mean accuracy of groups of classes with their 95% intervals, a bar a run.

    One trace a run, one point a group, customdata [field of ``Tails``, run]. A group without
    classes has no bar.

    Args:
        runs: run -> its groups, in the order to draw.
    """
    made = style.figure(height=320, showlegend=len(runs) > 1, bargap=0.3, bargroupgap=0.08)
    for nth, (run, found) in enumerate(runs.items()):
        values: dict[str, Measure] = {key: getattr(found, key) for key in _GROUPS}
        kept = {key: value for key, value in values.items() if not math.isnan(value.value)}
        made.add_bar(
            x=[_GROUPS[key] for key in kept],
            y=[value.value for value in kept.values()],
            name=style.plain(run),
            marker={"color": style.model_colour(nth), "line": {"width": 0}},
            error_y=_whiskers([(each.value, each.low, each.high) for each in kept.values()]),
            customdata=[[key, run] for key in kept],
            hovertext=[
                f"{style.plain(run)}<br>{_GROUPS[key]}<br><b>{value.value:.1f}%</b> "
                f"({value.low:.1f} to {value.high:.1f})<br>{style.count(value.n)} classes"
                for key, value in kept.items()
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    order = list(_GROUPS.values())
    made.update_xaxes(type="category", categoryorder="array", categoryarray=order)
    made.update_yaxes(title_text="mean accuracy of the classes", ticksuffix="%", range=[0, 100])
    return made


def _whiskers(values: Sequence[tuple[float, float, float]]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, _, high in values],
        "arrayminus": [value - low for value, low, _ in values],
        "thickness": 1.2,
        "width": 3,
    }


def calibration_bars(found: Calibration, *, unit: str = "captions") -> go.Figure:
    """Accuracy as bars and mean confidence as marks, the rarest classes first.

    A mark above its bar is overconfidence. The first trace holds the bars with their 95%
    intervals, the second the marks, one point a row with images in each; customdata is
    [row of ``Calibration``].

    Args:
        found: of ``by_frequency``.
        unit: what the frequencies count.
    """
    rows = [row for row, n in enumerate(found.n.tolist()) if n]
    titles = [_range(found.edges.tolist(), row) for row in rows]
    shared = {
        "x": titles,
        "customdata": [[row] for row in rows],
        "hovertext": [
            _said(found, row, f"{unit}: {title}") for row, title in zip(rows, titles, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    values = (found.accuracy.tolist(), found.low.tolist(), found.high.tolist())
    made = style.figure(height=320, showlegend=True, bargap=0.3)
    made.add_bar(
        y=[values[0][row] for row in rows],
        name="accuracy",
        marker={"color": style.tinted(style.IMAGE_COLOUR, 0.75), "line": {"width": 0}},
        error_y=_whiskers([(values[0][row], values[1][row], values[2][row]) for row in rows]),
        **shared,
    )
    made.add_scatter(
        y=[found.confidence.tolist()[row] for row in rows],
        name="mean confidence",
        mode="markers",
        marker={
            "symbol": "line-ew",
            "size": 26,
            "line": {"width": 3, "color": style.TEXT_COLOUR},
        },
        **shared,
    )
    made.update_xaxes(type="category", title_text=f"{unit} with the true class")
    made.update_yaxes(tickformat=".0%", range=[0, 1])
    return made


def kind_bars(
    edges: Sequence[float],
    kinds: Sequence[Sequence[int]],
    titles: Sequence[str],
    *,
    unit: str = "captions",
) -> go.Figure:
    """Of what kind the mistakes of each range of frequency are, as shares; the rarest first.

    One trace a kind that occurs, one point a row with mistakes; customdata is
    [row of ``Calibration``, kind].

    Args:
        edges: B + 1 edges, log10 of the count.
        kinds: (B + 1, K) mistakes, as of ``kinds_by_frequency``.
        titles: K names of the kinds.
        unit: what the frequencies count.
    """
    rows = [row for row, found in enumerate(kinds) if sum(found)]
    names = [_range(edges, row) for row in rows]
    made = style.figure(height=300, showlegend=True, barmode="stack", bargap=0.3)
    colours = (style.IMAGE_COLOUR, style.TEXT_COLOUR, *style.MODEL_COLOURS)
    for kind, title in enumerate(titles):
        if not any(kinds[row][kind] for row in rows):
            continue
        made.add_bar(
            x=names,
            y=[kinds[row][kind] / sum(kinds[row]) for row in rows],
            name=style.plain(title),
            marker={"color": colours[kind % len(colours)], "line": {"width": 0}},
            customdata=[[row, kind] for row in rows],
            hovertext=[
                f"{unit}: {name}<br>{style.plain(title)}: "
                f"<b>{style.count(kinds[row][kind])}</b> of "
                f"{style.count(sum(kinds[row]))} mistakes"
                for row, name in zip(rows, names, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    made.update_xaxes(type="category", title_text=f"{unit} with the true class")
    made.update_yaxes(title_text="share of the mistakes", tickformat=".0%", range=[0, 1])
    return made


def _range(edges: Sequence[float], row: int) -> str:
    """The counts of a row in words."""
    if row == 0:
        return "none"
    low, high = (_brief(round(10**edge)) for edge in edges[row - 1 : row + 1])
    return f"{low} to {high}"


def _brief(count: int) -> str:
    """Two digits that count, so that the ranges stand beside one another: 27, 3.7k, 190k, 2.1M."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (1000, "k")):
        if count >= size:
            return f"{float(f'{count / size:.2g}'):g}{unit}"
    return str(count)


def _said(found: Calibration, row: int, title: str) -> str:
    accuracy, sure, ece = (
        style.share(float(each[row])) for each in (found.accuracy, found.confidence, found.ece)
    )
    return (
        f"{title}<br>accuracy <b>{accuracy}</b>, mean confidence <b>{sure}</b><br>"
        f"calibration error {ece}<br>{style.count(float(found.n[row]))} images of "
        f"{style.count(float(found.classes[row]))} classes"
    )
