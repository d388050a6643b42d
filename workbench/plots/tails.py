"""Head, middle and tail: accuracy and calibration in each range of frequency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from workbench.measures.interval import Measure
from workbench.plots import style

__all__ = ["FrequencyBin", "calibration_bars", "tail_bars"]

_GREY = "#808792"


def tail_bars(runs: Mapping[str, Sequence[tuple[str, str, Measure]]]) -> go.Figure:
    """Mean accuracy of groups of classes with their 95% intervals, a bar a run.

    One trace a run, one point a group, customdata [group key, run]. A group without classes has
    no bar.

    Args:
        runs: run -> (key, title, accuracy in percent) of each group, in the order to draw: head,
            middle, tail, the worst fifth by frequency, the worst fifth by accuracy.
    """
    made = style.figure(height=320, showlegend=len(runs) > 1, bargap=0.3, bargroupgap=0.08)
    for nth, (run, groups) in enumerate(runs.items()):
        kept = [each for each in groups if not math.isnan(each[2].value)]
        made.add_bar(
            x=[style.plain(title) for _, title, _ in kept],
            y=[value.value for _, _, value in kept],
            name=style.plain(run),
            marker={"color": style.model_colour(nth), "line": {"width": 0}},
            error_y=_whiskers([value for _, _, value in kept]),
            customdata=[[key, run] for key, _, _ in kept],
            hovertext=[
                f"{style.plain(run)}<br>{style.plain(title)}<br><b>{value.value:.1f}%</b> "
                f"({value.low:.1f} to {value.high:.1f})<br>n = {style.count(value.n)}"
                for _, title, value in kept
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    made.update_xaxes(type="category")
    made.update_yaxes(title_text="mean accuracy of the classes", ticksuffix="%", range=[0, 100])
    return made


def _whiskers(values: Sequence[Measure]) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [each.high - each.value for each in values],
        "arrayminus": [each.value - each.low for each in values],
        "thickness": 1.2,
        "width": 3,
    }


@dataclass(frozen=True)
class FrequencyBin:
    """The answers to images whose true class lies in one range of frequency.

    Args:
        title: the range, as it is to be read.
        n: images.
        accuracy: share of right answers, in [0, 1]; NaN without images.
        confidence: mean confidence, in [0, 1].
        ece: expected calibration error, in [0, 1].
    """

    title: str
    n: int
    accuracy: float
    confidence: float
    ece: float


def calibration_bars(bins: Sequence[FrequencyBin]) -> go.Figure:
    """Accuracy as bars and mean confidence as marks, the rarest classes first.

    A mark above its bar is overconfidence. The first trace holds the bars, the second the marks,
    one point a bin with images in each; customdata is [bin number].

    Args:
        bins: in the order to draw.
    """
    kept = [(place, each) for place, each in enumerate(bins) if each.n]
    titles = [style.plain(each.title) for _, each in kept]
    shared = {
        "customdata": [[place] for place, _ in kept],
        "hovertext": [
            f"{style.plain(each.title)}<br>accuracy <b>{style.share(each.accuracy)}</b>, "
            f"mean confidence <b>{style.share(each.confidence)}</b><br>"
            f"calibration error {style.share(each.ece)}<br>{style.count(each.n)} images"
            for _, each in kept
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    made = style.figure(height=320, showlegend=True, bargap=0.3)
    made.add_bar(
        x=titles,
        y=[each.accuracy for _, each in kept],
        name="accuracy",
        marker={"color": style.IMAGE_COLOUR, "line": {"width": 0}},
        text=[f"ECE {style.share(each.ece)}" for _, each in kept],
        textposition="inside",
        insidetextanchor="start",
        **shared,
    )
    mark = {"symbol": "line-ew", "size": 26, "line": {"width": 3, "color": style.TEXT_COLOUR}}
    made.add_scatter(
        x=titles,
        y=[each.confidence for _, each in kept],
        name="mean confidence",
        mode="markers",
        marker=mark,
        **shared,
    )
    made.update_xaxes(type="category", title_text="captions with the true class")
    made.update_yaxes(tickformat=".0%", range=[0, 1])
    return made
