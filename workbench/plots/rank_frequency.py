"""How unevenly a corpus names its concepts: frequency against rank, with Zipf's lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from workbench.longtail.zipf import Zipf, ranked
from workbench.plots import style
from workbench.plots.frequency import CountAxis

__all__ = ["MOST", "Ranked", "rank_frequency"]

MOST = 4_000
"""Points of a corpus that are drawn: more lie on one another on a logarithmic axis."""


@dataclass(frozen=True)
class Ranked:
    """The counts of one corpus.

    Args:
        name: of the corpus.
        counts: C captions a concept; zeros and NaN have no place in the plot.
        fit: of ``zipf``, drawn as lines; None draws none.
    """

    name: str
    counts: Sequence[float]
    fit: Zipf | None = None


def rank_frequency(names: Sequence[str], corpora: Sequence[Ranked]) -> go.Figure:
    """Concepts from the most to the least frequent, both axes logarithmic.

    For each corpus a trace of points, customdata [concept number, corpus]; with a fit also the
    least-squares line (solid) and the maximum-likelihood line over the counts that it holds for
    (dashed), both without customdata. Concepts without a caption are counted in the legend, not
    drawn; of more than ``MOST`` others, those are that lie evenly on the axis.

    Args:
        names: C concept names.
        corpora: in the order to draw.
    """
    entries = sum(3 if each.fit else 1 for each in corpora)
    made = style.figure(height=340 + 20 * entries, showlegend=True, hovermode="closest")
    made.update_layout(legend={"orientation": "v", "traceorder": "normal"})
    drawn: list[float] = []
    longest = 1
    for nth, corpus in enumerate(corpora):
        places, counts = ranked(np.asarray(corpus.counts, np.float64))
        order, values = places.tolist(), counts.tolist()
        made.add_trace(_points(names, corpus, order, style.model_colour(nth)))
        if corpus.fit is not None:
            made.add_traces(_lines(corpus.fit, len(order), style.model_colour(nth)))
        drawn, longest = [*drawn, *values], max(longest, len(order))
    CountAxis.of([1, longest]).draw(made, "rank of the concept")
    CountAxis.of(drawn).draw(made, "captions with the concept", upright=True)
    return made


def _points(names: Sequence[str], corpus: Ranked, order: list[int], colour: str) -> go.Scattergl:
    zeros = sum(count == 0 for count in corpus.counts)
    note = f" ({style.count(zeros)} without a caption not drawn)" if zeros else ""
    drawn = [(rank, order[rank - 1]) for rank in _drawn(len(order))]
    return go.Scattergl(
        x=[rank for rank, _ in drawn],
        y=[corpus.counts[i] for _, i in drawn],
        mode="markers",
        name=f"{style.plain(corpus.name)}: {style.count(len(order))} concepts{note}",
        marker={"size": 6, "color": colour, "opacity": 0.6},
        customdata=[[i, corpus.name] for _, i in drawn],
        hovertext=[
            f"<b>{style.plain(names[i])}</b><br>{style.plain(corpus.name)}<br>"
            f"rank {style.count(rank)}, {style.number(corpus.counts[i])} captions"
            for rank, i in drawn
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _drawn(ranks: int) -> list[int]:
    """Ranks from 1 that get a point: all, or ``MOST`` at most, evenly in their logarithm."""
    if ranks <= MOST:
        return list(range(1, ranks + 1))
    found: list[int] = np.unique(np.geomspace(1, ranks, MOST).round().astype(int)).tolist()
    return found


def _lines(fit: Zipf, ranks: int, colour: str) -> list[go.Scatter]:
    """Straight on two logarithmic axes, so the two ends of each are enough; none that is NaN."""
    found = []
    if not math.isnan(fit.rank_exponent):
        title = f"least squares: exponent {fit.rank_exponent:.2f}, r² {fit.r2:.3f}"
        ends = [1.0, float(max(1, ranks))]
        found.append(_line(ends, fit.at(np.array(ends)).tolist(), title, colour, "solid"))
    alpha = fit.size_exponent
    if alpha.value > 1:
        slope = 1 / (alpha.value - 1)
        title = (
            f"maximum likelihood from {style.count(fit.least)} captions: exponent {slope:.2f} "
            f"(α {alpha.value:.2f} [{alpha.low:.2f}, {alpha.high:.2f}])"
        )
        # through its last concept, so that the line ends where the law begins to hold
        counts = [fit.least * float(alpha.n) ** slope, float(fit.least)]
        found.append(_line([1.0, float(alpha.n)], counts, title, colour, "dash"))
    return found


def _line(
    ranks: list[float], counts: list[float], title: str, colour: str, dash: str
) -> go.Scatter:
    return go.Scatter(
        x=ranks,
        y=counts,
        mode="lines",
        line={"color": colour, "width": 2, "dash": dash},
        name=title,
        hoverinfo="skip",
    )
