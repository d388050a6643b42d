"""How unevenly a corpus names its concepts: frequency against rank, with the line of Zipf's law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from workbench.plots import style
from workbench.plots.frequency import CountAxis

__all__ = ["Ranked", "ZipfLine", "rank_frequency"]


@dataclass(frozen=True)
class ZipfLine:
    """count = 10 ** height * rank ** -exponent.

    Args:
        title: how it was found.
        exponent: larger is more uneven; 1 is Zipf's own.
        height: log10 of the count that it gives at rank 1.
        low: lower end of the exponent's 95% interval; NaN where there is none.
        high: upper end.
    """

    title: str
    exponent: float
    height: float
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class Ranked:
    """The counts of one corpus.

    Args:
        name: of the corpus.
        counts: C captions a concept; zeros and NaN have no place in the plot.
        lines: drawn through its points.
    """

    name: str
    counts: Sequence[float]
    lines: tuple[ZipfLine, ...] = ()


def rank_frequency(names: Sequence[str], corpora: Sequence[Ranked]) -> go.Figure:
    """Concepts from the most to the least frequent, both axes logarithmic.

    For each corpus a trace of points, customdata [concept number, corpus], and one trace a line,
    without customdata. Concepts without a caption are counted in the legend, not drawn.

    Args:
        names: C concept names.
        corpora: in the order to draw.
    """
    entries = sum(1 + len(each.lines) for each in corpora)
    made = style.figure(height=340 + 20 * entries, showlegend=True, hovermode="closest")
    made.update_layout(legend={"orientation": "v", "traceorder": "normal"})
    drawn: list[float] = []
    for nth, corpus in enumerate(corpora):
        order = sorted(_positive(corpus.counts), key=lambda i: -corpus.counts[i])
        colour = style.model_colour(nth)
        made.add_trace(_points(names, corpus, order, colour))
        for line, dash in zip(corpus.lines, ("solid", "dash", "dot") * len(corpora), strict=False):
            made.add_trace(_zipf(line, len(order), colour, dash))
        drawn.extend(corpus.counts[i] for i in order)
    longest = max((len(_positive(each.counts)) for each in corpora), default=1)
    CountAxis.of([1, max(1, longest)]).draw(made, "rank of the concept")
    CountAxis.of(drawn).draw(made, "captions with the concept", upright=True)
    return made


def _positive(counts: Sequence[float]) -> list[int]:
    return [i for i, count in enumerate(counts) if count > 0]


def _points(names: Sequence[str], corpus: Ranked, order: list[int], colour: str) -> go.Scattergl:
    zeros = sum(count == 0 for count in corpus.counts)
    note = f" ({style.count(zeros)} without a caption not drawn)" if zeros else ""
    return go.Scattergl(
        x=list(range(1, len(order) + 1)),
        y=[corpus.counts[i] for i in order],
        mode="markers",
        name=f"{style.plain(corpus.name)}: {style.count(len(order))} concepts{note}",
        marker={"size": 6, "color": colour, "opacity": 0.6},
        customdata=[[i, corpus.name] for i in order],
        hovertext=[
            f"<b>{style.plain(names[i])}</b><br>{style.plain(corpus.name)}<br>"
            f"rank {style.count(rank)}, {style.number(corpus.counts[i])} captions"
            for rank, i in enumerate(order, start=1)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _zipf(line: ZipfLine, ranks: int, colour: str, dash: str) -> go.Scatter:
    """Straight on two logarithmic axes: its two ends are enough."""
    known = not math.isnan(line.low)
    interval = f" [{line.low:.2f}, {line.high:.2f}]" if known else ""
    ends = [1, max(1, ranks)]
    return go.Scatter(
        x=ends,
        y=[10**line.height * rank**-line.exponent for rank in ends],
        mode="lines",
        line={"color": colour, "width": 2, "dash": dash},
        name=f"{style.plain(line.title)}: exponent {line.exponent:.2f}{interval}",
        hoverinfo="skip",
    )
