"""Accuracy of classes against how often captions name them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from workbench.longtail.bins import Bins
from workbench.longtail.fit import Fit
from workbench.measures.interval import Measure
from workbench.plots import style

__all__ = ["CountAxis", "FrequencyRun", "accuracy_by_frequency", "p_value"]

_GREY = "#808792"
_AWAY = 0.6
"""Decades between the lowest decade and the place of the zeros."""


@dataclass(frozen=True)
class CountAxis:
    """A logarithmic axis of counts, on which a true 0 has a place of its own left of the rest.

    Args:
        low: the power of ten at or below the smallest count above 0.
        high: log10 of the largest.
        zeros: whether there is a 0.
    """

    low: int
    high: float
    zeros: bool

    @classmethod
    def of(cls, counts: Iterable[float]) -> CountAxis:
        """The axis that shows all these counts; NaN and infinity are passed over."""
        known = [count for count in counts if math.isfinite(count)]
        logs = [math.log10(count) for count in known if count > 0] or [0.0]
        return cls(math.floor(min(logs) + 1e-9), max(logs), 0 in known)

    def at(self, count: float) -> float:
        """Where the count stands on the axis, as plotly wants it: 0 at its own place."""
        return float(count) if count > 0 else float(10 ** (self.low - _AWAY))

    def draw(self, made: go.Figure, title: str, *, upright: bool = False) -> None:
        """Set up the x axis of a figure (the y axis when ``upright``), with its decades."""
        top = math.ceil(self.high - 1e-9)
        ticks = [10.0**power for power in range(self.low, top + 1)]
        texts = [_power(power) for power in range(self.low, top + 1)]
        begin = self.low - (_AWAY + 0.3 if self.zeros else 0.15)
        axis = {
            "type": "log",
            "title_text": style.plain(title),
            "tickvals": [self.at(0)] * self.zeros + ticks,
            "ticktext": ["0"] * self.zeros + texts,
            "range": [begin, max(self.high, self.low + 1) + 0.15],
            "showgrid": True,
        }
        (made.update_yaxes if upright else made.update_xaxes)(**axis)
        if self.zeros:
            edge = 10 ** (self.low - 0.25)
            line = {"dash": "dot", "width": 1, "color": _GREY}
            (made.add_hline if upright else made.add_vline)(edge, line=line)


def _power(power: int) -> str:
    """A power of ten in few characters: 1, 10, 100, 1k ... 100M, 1B; below 1 in full."""
    if power < 0:
        return f"{10.0**power:g}"
    return f"{10 ** (power % 3)}{('', 'k', 'M', 'B', 'T')[min(power // 3, 4)]}"


@dataclass(frozen=True)
class FrequencyRun:
    """One run against one table of counts; lines and bins may be left out.

    Args:
        name: of the run, with the corpus where several are shown.
        counts: C numbers of captions; NaN leaves the class out, 0 is a true zero.
        accuracy: C accuracies in percent; NaN leaves the class out.
        bins: of ``bin_classes``.
        per_class: of ``fit_classes``.
        binned: of ``fit_bins``.
    """

    name: str
    counts: Sequence[float]
    accuracy: Sequence[float]
    bins: Bins | None = None
    per_class: Fit | None = None
    binned: Fit | None = None

    @property
    def shown(self) -> list[int]:
        """Places of the classes that have both a count and an accuracy."""
        pairs = enumerate(zip(self.counts, self.accuracy, strict=True))
        return [i for i, (count, value) in pairs if not math.isnan(count + value)]


def accuracy_by_frequency(
    names: Sequence[str], runs: Sequence[FrequencyRun], *, title: str = "captions with the concept"
) -> go.Figure:
    """Every class as a point, means of the bins with intervals, and both lines, for each run.

    For each run, as far as there are any: a trace of classes, customdata
    [class number, "class", run]; a trace of bins, customdata [bin number, "bin", run], the mean
    of the zeros being bin -1; the line over classes and the line over bins, without customdata,
    with r, p and slope in the legend.

    Args:
        names: C class names, of all runs.
        runs: the first is drawn first.
        title: of the axis of counts.
    """
    axis = CountAxis.of(run.counts[i] for run in runs for i in run.shown)
    entries = 1 + sum(1 + (run.per_class is not None) + (run.binned is not None) for run in runs)
    made = style.figure(height=400 + 20 * entries, showlegend=True)
    made.update_layout(legend={"orientation": "v", "traceorder": "normal"}, hovermode="closest")
    for nth, run in enumerate(runs):
        colour = style.model_colour(nth)
        made.add_trace(_classes(names, run, axis, colour))
        if run.bins is not None:
            made.add_trace(_bins(run.bins, run.name, axis, colour, legend=nth == 0))
        for fit, dash in ((run.per_class, "solid"), (run.binned, "dash")):
            if fit is not None:
                made.add_trace(_line(fit, run, colour, dash))
    axis.draw(made, title)
    made.update_yaxes(title_text="accuracy", ticksuffix="%", range=[-3, 103])
    return made


def _classes(names: Sequence[str], run: FrequencyRun, axis: CountAxis, colour: str) -> go.Scattergl:
    places = run.shown
    return go.Scattergl(
        x=[axis.at(run.counts[i]) for i in places],
        y=[run.accuracy[i] for i in places],
        mode="markers",
        name=style.plain(run.name),
        marker={"size": 6, "color": colour, "opacity": 0.4},
        customdata=[[i, "class", run.name] for i in places],
        hovertext=[
            f"<b>{style.plain(names[i])}</b><br>{style.plain(run.name)}<br>"
            f"{style.number(run.counts[i])} captions<br>accuracy {run.accuracy[i]:.1f}%"
            for i in places
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _bins(bins: Bins, name: str, axis: CountAxis, colour: str, *, legend: bool) -> go.Scatter:
    rows = _means(bins, axis)
    return go.Scatter(
        x=[x for _, x, _, _ in rows],
        y=[mean.value for *_, mean in rows],
        mode="markers",
        name="mean of the classes in a bin, with its 95% interval",
        showlegend=legend,
        marker={"size": 11, "symbol": "diamond", "color": colour, "line": {"width": 1}},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [mean.high - mean.value for *_, mean in rows],
            "arrayminus": [mean.value - mean.low for *_, mean in rows],
            "thickness": 1.4,
            "width": 4,
        },
        customdata=[[b, "bin", name] for b, *_ in rows],
        hovertext=[
            f"{style.plain(name)}<br>{said}<br>{style.count(mean.n)} classes<br>"
            f"mean accuracy <b>{mean.value:.1f}%</b> ({mean.low:.1f} to {mean.high:.1f})"
            for _, _, said, mean in rows
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _means(bins: Bins, axis: CountAxis) -> list[tuple[int, float, str, Measure]]:
    """Bin number, place on the axis, its counts in words, and mean; -1 is the zeros' bin."""
    found = [(-1, axis.at(0), "no caption", bins.zero)] if bins.zero.n else []
    edges = [style.number(round(10**edge)) for edge in bins.edges.tolist()]
    numbers = zip(
        bins.mean.tolist(), bins.low.tolist(), bins.high.tolist(), bins.n.tolist(), strict=True
    )
    for b, (centre, values) in enumerate(zip(bins.centre.tolist(), numbers, strict=True)):
        if values[3]:
            said = f"{edges[b]} to {edges[b + 1]} captions"
            found.append((b, 10**centre, said, Measure(*values)))
    return found


def _line(fit: Fit, run: FrequencyRun, colour: str, dash: str) -> go.Scatter:
    seen = [run.counts[i] for i in run.shown if run.counts[i] > 0] or [1.0]
    ends = [min(seen), max(seen)]
    return go.Scatter(
        x=ends,
        y=[fit.intercept + fit.slope.value * math.log10(end) for end in ends],
        mode="lines",
        line={"color": colour, "width": 2, "dash": dash},
        name=_legend(fit),
        hoverinfo="skip",
    )


def _legend(fit: Fit) -> str:
    """What the line says: its points, r with its interval, p, and the slope."""
    over = "per class" if fit.over == "classes" else "binned"
    r, slope = fit.r, fit.slope
    return (
        f"{over}, n = {style.count(fit.n)}: r = {_signed(r.value, 3)} "
        f"[{_signed(r.low, 2)}, {_signed(r.high, 2)}], {p_value(fit.p)}, "
        f"{slope.value:+.1f} points a decade [{slope.low:+.1f}, {slope.high:+.1f}]"
    )


def _signed(value: float, digits: int) -> str:
    return "n/a" if math.isnan(value) else f"{value:.{digits}f}"


def p_value(p: float) -> str:
    """A p-value as one writes it: ``p < 0.001``, ``p = 0.034``; ``p n/a`` for NaN."""
    if math.isnan(p):
        return "p n/a"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
